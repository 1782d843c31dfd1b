"""Of all bytes that can arrive, only the answer to the question is believed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.vocabulary import detail_of
from drivers.contract import Desync, DeviceRefused
from drivers.modbus.frame import ReadRequest
from drivers.modbus.mbap import hear_mbap

REQUEST = ReadRequest(unit_id=7, function_code=3, address=0, count=2)
PAYLOAD = bytes.fromhex("41CC0000")


def frame(
    transaction: int = 9, protocol: int = 0, unit: int = 7, code: int = 3, body: bytes = b"\x04" + PAYLOAD
) -> bytes:
    return struct.pack(">HHHBB", transaction, protocol, len(body) + 2, unit, code) + body


def hear(heard: bytes) -> object:
    return hear_mbap(heard, 9, REQUEST)[1]


def test_the_answer_is_believed_and_used_up() -> None:
    assert hear_mbap(frame(), 9, REQUEST) == (len(frame()), PAYLOAD)


def test_a_doubled_answer_is_believed_once() -> None:
    assert hear_mbap(frame() + frame(), 9, REQUEST) == (2 * len(frame()), PAYLOAD)


def test_an_answer_with_something_unasked_behind_it_is_not_believed() -> None:
    """A cut-off answer may have been filled up by the one behind it."""
    assert isinstance(hear(frame()[:-2] + frame(transaction=8)), Desync)


@pytest.mark.parametrize("kept", range(8, 16))
def test_a_cut_off_answer_that_an_earlier_one_fills_to_the_byte_is_not_believed(kept: int) -> None:
    earlier = frame(transaction=8, body=b"\x02\x12\x34")
    request = ReadRequest(unit_id=7, function_code=3, address=0, count=(kept + len(earlier) - 9) // 2)
    size = 2 * request.count
    whole = frame(body=bytes((size,)) + bytes(size))
    heard = whole[: len(whole) - len(earlier)] + earlier
    assert isinstance(hear_mbap(heard, 9, request)[1], Desync)
    assert hear_mbap(whole, 9, request)[1] == bytes(size)


@given(st.integers(0, len(frame()) - 1))
def test_a_part_of_the_answer_is_waited_for(size: int) -> None:
    assert hear_mbap(frame()[:size], 9, REQUEST) == (0, None)


def test_a_doubled_answer_to_an_earlier_question_is_passed_over() -> None:
    stale = frame(transaction=8, body=b"\x04\xff\xff\xff\xff")
    assert hear_mbap(stale + frame(), 9, REQUEST) == (len(stale + frame()), PAYLOAD)
    assert hear_mbap(stale + stale[:9], 9, REQUEST) == (len(stale), None)
    assert hear_mbap(frame(), 9, None) == (len(frame()), None)


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param(frame(transaction=0), id="transaction id 0"),
        pytest.param(frame(transaction=10), id="a transaction id never asked"),
        pytest.param(frame(protocol=1), id="another protocol"),
        pytest.param(frame(unit=8), id="another unit"),
        pytest.param(frame(code=4), id="another function code"),
        pytest.param(frame(code=0x84, body=b"\x02"), id="an exception to another function code"),
        pytest.param(frame(code=3, body=b"\x02"), id="an exception without its mark"),
        pytest.param(frame(code=0x83, body=b"\x00"), id="exception code 0"),
        pytest.param(frame(body=b"\x02\x41\xcc"), id="too few registers"),
        pytest.param(frame(body=b"\x06" + PAYLOAD + b"\x00\x00"), id="too many registers"),
        pytest.param(frame(body=b"\x02" + PAYLOAD), id="a byte count that is not the frame's"),
        pytest.param(frame(body=b"\x03" + PAYLOAD), id="an odd byte count"),
        pytest.param(frame()[:4] + b"\xff\xff" + frame()[6:], id="a length beyond the protocol"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n", id="no Modbus at all"),
    ],
)
def test_what_cannot_be_the_answer_ends_the_connection(heard: bytes) -> None:
    assert isinstance(hear(heard), Desync)


def test_an_answer_of_another_length_is_not_waited_for() -> None:
    assert isinstance(hear(frame(body=b"\xfa" + bytes(250))[:8]), Desync)


@given(st.binary(max_size=40))
def test_whatever_arrives_unasked_is_a_desync_unless_it_is_a_whole_earlier_answer(heard: bytes) -> None:
    used, verdict = hear_mbap(heard, 9, None)
    assert used == len(heard)
    assert verdict is None or isinstance(verdict, Desync)


@given(st.binary(max_size=40), st.booleans())
def test_no_other_bytes_than_the_answer_are_ever_a_payload(noise: bytes, after_header: bool) -> None:
    heard = frame()[:8] + noise if after_header else noise
    if isinstance(hear(heard), bytes):
        assert heard.startswith(frame()[:9])
        assert hear(heard) == heard[9:13]


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8, 10, 11, 77])
def test_a_refusal_keeps_its_code_and_says_what_it_means_in_both_languages(code: int) -> None:
    refusal = hear(frame(code=0x83, body=bytes([code])))
    assert isinstance(refusal, DeviceRefused)
    assert detail_of(refusal.quality) == code
    assert str(code) in refusal.words.show("en")
    assert "被拒绝" in refusal.words.show("zh")


@given(st.integers(1, 2), st.integers(1, 2000))
def test_bits_come_in_whole_bytes(code: int, count: int) -> None:
    request = ReadRequest(unit_id=1, function_code=code, address=0, count=count)
    assert request.payload_bytes == -(-count // 8)
