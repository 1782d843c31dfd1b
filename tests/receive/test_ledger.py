from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from agent.findings import pack_event
from agent.receive.ledger import Ledger, Verdict
from agent.receive.messages import Checker, MessageError, Received
from agent.receive.view import missing_lines
from agent.uplinks.contract import Message
from config.vocabulary import EventKind, RecordKind
from tests.records.messages import ANCHOR, CODEC, on_events, readings
from tests.records.plants import tenths
from tests.records.test_messages import event

WATER = tenths(3)
A, B = 0xA, 0xB
NAME = "91130300MA00000009/casting-1"


def received(message: Message, **changes: Any) -> Received:
    content = orjson.loads(message.payload) | changes
    return Checker().check(orjson.dumps(content))


def scan(seq: int, *, run: int = A, raw: float = 1.0, backfill: bool = False, **changes: Any) -> Received:
    record = readings(WATER, [raw, raw, raw], seq=seq, run=run)
    return received(CODEC.encode(record, WATER, ANCHOR, backfill=backfill), **changes)


def told(kind: EventKind, seq: int = 1, *, run: int = A, **figures: Any) -> Received:
    finding = replace(event(kind, "agent"), figures=figures)
    record = replace(on_events(RecordKind.EVENT, pack_event(finding, WATER), seq), run=run)
    return received(CODEC.encode(record, None, ANCHOR, backfill=False))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": []},
        {"run": []},
        {"enterprise": {}},
        {"meta": []},
        {"seq": -5},
        {"ledger": {"scanned": None, "suppressed": {}, "recorded": 1}},
        {"ledger": {"scanned": "x", "suppressed": {}, "recorded": 1}},
        {"ledger": {"scanned": 1, "suppressed": {"deadband": None}, "recorded": 1}},
    ],
)
def test_a_message_with_a_wrong_type_anywhere_is_told_and_ends_nothing(changes: dict[str, Any]) -> None:
    """The first readings are checked by the schema, the next by hand."""
    checker = Checker()
    whole = CODEC.encode(readings(WATER, [1.0] * 3), WATER, ANCHOR, backfill=False).payload
    checker.check(whole)
    with pytest.raises(MessageError):
        checker.check(orjson.dumps(orjson.loads(whole) | changes))


def loss(first: int, last: int, *, run: int = A, uplink: str = "province", seq: int = 1) -> Received:
    count = max(0, last - first + 1)
    body = {"run": run, "stream": "readings", "first": first, "last": last, "count": count}
    packed = orjson.dumps({**body, "uplink": uplink, "cause": "cap", "readings": 3 * count})
    record = replace(on_events(RecordKind.LOSS, packed, seq), run=run)
    return received(CODEC.encode(record, None, ANCHOR, backfill=False))


def book(ledger: Ledger) -> dict[str, Any]:
    found: dict[str, Any] = ledger.summary()["gateways"][NAME]
    return found


def stream(ledger: Ledger, run: int = A, name: str = "readings") -> dict[str, Any]:
    found: dict[str, Any] = book(ledger)["runs"][f"{run:016x}"][name]
    return found


def test_a_loss_of_which_no_end_is_known_explains_nothing_and_breaks_nothing() -> None:
    ledger = Ledger(from_start=True)
    for seq in (1, 2, 5):
        ledger.enter(scan(seq))
    ledger.enter(loss(6, 0))
    assert stream(ledger)["missing"] == [(3, 4)]
    assert stream(ledger)["lost"] == []


def test_the_same_record_twice_counts_once_whatever_the_moment_of_sending() -> None:
    ledger = Ledger()
    assert ledger.enter(scan(1)) is Verdict.NEW
    again = scan(1, backfill=True, clock={"state": "unknown", "source": "none", "boot_id": None})
    assert ledger.enter(again) is Verdict.DUPLICATE
    assert stream(ledger)["duplicates"] == 1
    assert book(ledger)["readings"] == 3
    assert ledger.summary()["faults"] == 0


def test_one_key_with_two_contents_is_a_fault() -> None:
    ledger = Ledger()
    ledger.enter(scan(1, raw=1.0))
    assert ledger.enter(scan(1, raw=2.0)) is Verdict.CONFLICT
    assert stream(ledger)["conflicts"] == 1
    assert ledger.summary()["faults"] == 1


def test_a_hole_is_missing_until_it_is_filled() -> None:
    ledger = Ledger()
    for seq in (1, 2, 6):
        ledger.enter(scan(seq))
    assert stream(ledger)["missing"] == [(3, 5)]
    assert ledger.summary()["faults"] == 3
    for seq in (4, 3, 5):
        ledger.enter(scan(seq, backfill=True))
    assert stream(ledger)["missing"] == []


def test_what_is_missing_is_named_by_run_and_number() -> None:
    ledger = Ledger(from_start=True)
    for seq in (2, 5, 9):
        ledger.enter(scan(seq))
    for seq in range(1, 60, 2):
        ledger.enter(scan(seq, run=B))
    first, second = missing_lines(ledger, "en")
    assert first == f"missing from {NAME}, run {A:016x}, readings: 1, 3-4, 6-8"
    assert second.startswith(f"missing from {NAME}, run {B:016x}, readings: 2, 4, 6, ")
    assert second.endswith(" and 9 more")


def test_what_the_gateway_says_is_lost_is_not_missing() -> None:
    ledger = Ledger()
    for seq in (1, 9):
        ledger.enter(scan(seq))
    ledger.enter(loss(2, 6))
    ledger.enter(loss(7, 7, uplink="county", seq=2))
    found = stream(ledger)
    assert found["lost"] == [(2, 6)]
    assert found["missing"] == [(7, 8)]
    assert found["readings_lost"] == 15
    assert book(ledger)["losses"] == {"cap": 6}


def test_the_next_run_says_where_the_one_before_it_ended() -> None:
    ledger = Ledger()
    ledger.enter(scan(1, run=A))
    figures = {"previous_run": f"{A:016x}", "previous_readings": 3, "previous_events": 0}
    ledger.enter(told(EventKind.AGENT_STARTED, run=B, **figures))
    assert stream(ledger, A)["missing"] == [(2, 3)]
    ledger.enter(scan(2, run=A, backfill=True))
    ledger.enter(scan(3, run=A, backfill=True))
    assert ledger.summary()["faults"] == 0


def test_what_was_before_we_listened_is_missing_only_where_we_say_that_we_were_there() -> None:
    late, early = Ledger(), Ledger(from_start=True)
    for ledger in (late, early):
        ledger.enter(scan(5))
    assert stream(late)["missing"] == []
    assert stream(early)["missing"] == [(1, 4)]


def test_two_agents_under_one_identity_are_noticed_by_turns() -> None:
    ledger = Ledger()
    ledger.enter(scan(1, run=A))
    ledger.enter(scan(1, run=B))
    assert book(ledger)["impostors"] == 0
    ledger.enter(scan(2, run=A))
    assert book(ledger)["impostors"] == 1
    assert ledger.summary()["faults"] == 1


def test_a_restart_with_backfill_of_the_earlier_run_is_no_second_agent() -> None:
    ledger = Ledger()
    ledger.enter(scan(1, run=A))
    for seq in range(1, 4):
        ledger.enter(scan(seq, run=B))
        ledger.enter(scan(seq + 1, run=A, backfill=True))
    assert book(ledger)["impostors"] == 0


def test_presence_tells_two_idle_agents_apart_but_a_retained_one_is_no_sign_of_life() -> None:
    ledger = Ledger()
    online = [received(CODEC.last_will(run), state="online") for run in (A, B, A)]
    ledger.enter(online[0], retained=True)
    ledger.enter(online[1])
    assert book(ledger)["impostors"] == 0
    ledger.enter(online[2])
    ledger.enter(online[1])
    assert book(ledger)["impostors"] == 1


def test_the_last_will_of_an_earlier_run_does_not_hide_the_present_one() -> None:
    ledger = Ledger()
    ledger.enter(received(CODEC.last_will(A), state="online"))
    ledger.enter(received(CODEC.last_will(B), state="online"))
    ledger.enter(received(CODEC.last_will(A)))
    assert book(ledger)["state"] == "online"
    ledger.enter(received(CODEC.last_will(B)))
    assert book(ledger)["state"] == "offline"


def test_readings_before_their_dictionary_are_counted() -> None:
    ledger = Ledger()
    ledger.enter(scan(1))
    ledger.enter(received(next(CODEC.meta(WATER, current=True))))
    ledger.enter(scan(2))
    assert book(ledger)["before_meta"] == 1


def test_a_run_s_newest_account_of_itself_is_kept() -> None:
    ledger = Ledger()
    for seq in (1, 7, 3):
        ledger.enter(scan(seq))
    claim = book(ledger)["runs"][f"{A:016x}"]["claim"]
    assert (claim["scanned"], claim["recorded"]) == (26, 21)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[]", "kind None is unknown"),
        (b'{"kind": "greeting"}', "kind 'greeting' is unknown"),
        (b'{"kind": "status"}', "required"),
    ],
)
def test_what_is_not_a_message_is_named(payload: bytes, words: str) -> None:
    with pytest.raises(MessageError, match=words):
        Checker().check(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [[0, 1.0, 1.0]]},
        {"rows": [["0", 1.0, 1.0, 0]]},
        {"columns": ["tag", "value", "raw", "quality"]},
        {"seq": "1"},
        {"schema": "fengsui/2"},
        {"scan": None},
        {"stream": "events"},
    ],
)
def test_readings_with_a_fault_are_found_between_the_samples_too(change: dict[str, Any]) -> None:
    checker = Checker()
    whole = orjson.loads(CODEC.encode(readings(WATER, [1.0]), WATER, ANCHOR, backfill=False).payload)
    for _ in range(3):
        checker.check(orjson.dumps(whole))
    with pytest.raises(MessageError):
        checker.check(orjson.dumps(whole | change))
