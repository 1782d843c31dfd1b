"""The sink counts what arrives: holes, duplicates, wrong values, times."""

from dataclasses import replace
from typing import Any

import pytest

from bench.message import SCALE, Message, Meta, answer_of, decode, encode_meta, encode_readings, tag_name
from bench.mqtt5 import Packets, connect, parse_publish, subscribe
from bench.tally import Tally

REGISTERS = 4
SECOND = 10**9
START = 1_700_000_000 * SECOND


def rows(answer: int) -> list[list[Any]]:
    return [[register, answer + register, (answer + register) * SCALE, 0] for register in range(REGISTERS)]


def scan(seq: int, answer: int, *, run: str = "aa", start: int = START) -> Message:
    payload = encode_readings(run=run, seq=seq, scan_utc_ns=start, rows=[tuple(row) for row in rows(answer)])
    decoded = decode(payload)
    assert isinstance(decoded, Message)
    return decoded


@pytest.fixture
def tally() -> Tally:
    tally = Tally(devices=2, registers=REGISTERS, period_ns=SECOND)
    meta = decode(encode_meta(tag_name(0, register) for register in range(REGISTERS)))
    assert isinstance(meta, Meta)
    tally.learn(meta)
    return tally


def take(tally: Tally, *messages: Message, arrival: int = START) -> dict[str, object]:
    for message in messages:
        tally.take(message, arrival, 100)
    return tally.counters()


def test_a_scan_comes_back_from_its_message() -> None:
    assert scan(3, 17) == Message(
        kind="readings", run="aa", stream="readings", seq=3, scan_utc_ns=START, meta="bare", rows=rows(17)
    )


def test_a_hole_in_seq_and_a_lost_answer_are_both_seen(tally: Tally) -> None:
    counters = take(tally, scan(1, 1), scan(2, 2), scan(4, 4))
    assert counters["holes"] == 1
    assert counters["missing_answers"] == 1
    assert counters["last_answers"] == [4, 0]
    assert counters["readings"] == 3 * REGISTERS


def test_a_loss_that_seq_hides_is_seen_by_the_values(tally: Tally) -> None:
    counters = take(tally, scan(1, 1), scan(2, 3))
    assert counters["holes"] == 0
    assert counters["missing_answers"] == 1


def test_a_second_message_under_a_key_is_a_duplicate_and_counts_no_readings(tally: Tally) -> None:
    counters = take(tally, scan(1, 1), scan(1, 1))
    assert counters["duplicates"] == 1
    assert counters["twice"] == 0
    assert counters["readings"] == REGISTERS


def test_an_answer_under_two_keys_is_counted(tally: Tally) -> None:
    counters = take(tally, scan(1, 1), scan(2, 1))
    assert counters["duplicates"] == 0
    assert counters["twice"] == 1


def test_a_held_device_may_repeat_its_last_answer_and_no_other(tally: Tally) -> None:
    take(tally, scan(1, 1), scan(2, 2))
    tally.hold()
    assert take(tally, scan(3, 2))["twice"] == 0
    assert take(tally, scan(4, 1))["twice"] == 1


def test_every_run_has_a_seq_of_its_own(tally: Tally) -> None:
    counters = take(tally, scan(1, 1), scan(1, 2, run="bb"))
    assert counters["holes"] == counters["duplicates"] == 0


@pytest.mark.parametrize(("column", "wrong"), [(1, 99), (1, None), (2, 1e9), (2, None)])
@pytest.mark.parametrize("register", [0, 2])
def test_a_wrong_value_spoils_a_scan(tally: Tally, column: int, wrong: float | None, register: int) -> None:
    spoilt = rows(9)
    assert answer_of(spoilt, REGISTERS) == 9
    spoilt[register][column] = wrong
    assert answer_of(spoilt, REGISTERS) is None
    counters = take(tally, replace(scan(1, 9), rows=spoilt))
    assert (counters["wrong"], counters["last_answers"]) == (1, [0, 0])


def test_a_scan_without_all_its_registers_is_no_answer() -> None:
    assert answer_of(rows(9)[:-1], REGISTERS) is None


def test_a_doubtful_quality_is_counted_and_the_answer_is_taken(tally: Tally) -> None:
    doubtful = rows(1)
    doubtful[3][3] = 0x40000000
    doubtful[2][2:] = [None, 0x80000F00]
    counters = take(tally, replace(scan(1, 1), rows=doubtful))
    assert (counters["wrong"], counters["doubtful"], counters["last_answers"]) == (0, 1, [1, 0])


def test_times_are_those_since_the_mark(tally: Tally) -> None:
    take(tally, scan(1, 1), arrival=START + 500_000_000)
    tally.mark()
    counters = take(tally, scan(2, 2, start=START + SECOND), arrival=START + SECOND + 20_000_000)
    assert counters["latency_ms"] == {"p50": 20.0, "p99": 20.0}
    assert counters["readings"] == 2 * REGISTERS


def packet(head: int, body: bytes) -> bytes:
    return bytes([head, len(body)]) + body


def test_packets_are_cut_wherever_the_stream_breaks() -> None:
    stream = packet(0x20, b"\x00\x00\x00") + packet(0x32, b"\x00\x01t\x00\x07\x00" + b"payload")
    for at in range(len(stream) + 1):
        packets = Packets()
        found = [*packets.feed(stream[:at]), *packets.feed(stream[at:])]
        assert [head for head, _ in found] == [0x20, 0x32]
        assert parse_publish(*found[1]).payload == b"payload"


def test_a_publish_is_acknowledged_by_its_packet_identifier() -> None:
    publish = parse_publish(0x32, b"\x00\x01t\x12\x34\x03\x01\x02\x03{}")
    assert (publish.topic, publish.payload) == ("t", b"{}")
    assert publish.acknowledgement == b"\x40\x02\x12\x34"
    assert parse_publish(0x30, b"\x00\x01t\x00{}").acknowledgement == b""


def test_long_packets_carry_their_length_in_several_bytes() -> None:
    assert connect("x" * 200)[1:3] == bytes([(221 % 128) | 0x80, 221 // 128])
    assert subscribe("#") == b"\x82\x07\x00\x01\x00\x00\x01#\x01"
