"""What a platform refuses costs few records, and no other record its turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from agent.uplinks.refusals import IN_A_ROW, LONGEST_REST_S, REST_S, Refusals
from agent.uplinks.terms import Terms
from buffer.ledger import Balance
from buffer.log import Log
from config.text import Text
from config.units import S
from config.vocabulary import EventKind, RecordKind, Stream
from filters.event import Event
from tests.uplinks.scripted_broker import Published, ScriptedBroker
from tests.uplinks.station import UPLINK, Station, forwarding
from tests.uplinks.waiting import eventually

REFUSED = 0x99


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


def seq_of(message: Published) -> int | None:
    found: int | None = orjson.loads(message.payload).get("seq")
    return found


def test_a_refused_stream_rests_longer_and_longer_and_is_tried_with_one_record() -> None:
    now_s, rests_s = 0.0, []
    refusals = Refusals(lambda: now_s)
    for _ in range(IN_A_ROW):
        assert refusals.wait_s(Stream.EVENTS) == 0
        refusals.sent(Stream.EVENTS)
        assert not refusals.refused(Stream.EVENTS)
    for _ in range(7):
        rests_s.append(refusals.wait_s(Stream.EVENTS))
        now_s += rests_s[-1]
        refusals.sent(Stream.EVENTS)
        assert refusals.wait_s(Stream.EVENTS) == float("inf")
        assert refusals.wait_s(Stream.READINGS) == 0
        assert not refusals.refused(Stream.EVENTS)
    assert rests_s == [REST_S, 60, 120, 240, *[LONGEST_REST_S] * 3]
    refusals.taken(Stream.EVENTS)
    refusals.sent(Stream.EVENTS)
    assert refusals.wait_s(Stream.EVENTS) == 0


async def test_a_platform_that_refuses_events_still_gets_every_reading(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    """Each refusal is told as an event, which is refused in its turn."""
    broker.answer = lambda message: REFUSED if "/event" in message.topic else 0
    gateway = Station(directory=tmp_path, port=broker.port)

    def tell(event: Event, detail: Text) -> None:
        gateway.happenings.append((event.kind, detail))
        gateway.tell(event.kind)

    gateway.forwarder._notify = tell
    gateway.tell(EventKind.DEGRADED)
    async with forwarding(gateway):
        for number in range(50):
            gateway.read([number, 2, 3])
            await eventually(lambda number=number: balance(gateway.log).delivered.records == number + 1)  # type: ignore[misc]
    events = gateway.log.ledger().balances[UPLINK][Stream.EVENTS]
    gateway.log.close()
    assert broker.connections == 1
    assert events.recorded.records <= 2 * IN_A_ROW
    assert events.quarantined.records <= IN_A_ROW


def balance(log: Log) -> Balance:
    return log.ledger().balances[UPLINK][Stream.READINGS]


async def test_what_was_refused_is_not_replayed(tmp_path: Path, broker: ScriptedBroker) -> None:
    replays = []

    def answer(message: Published) -> int:
        content = orjson.loads(message.payload)
        if content.get("replay"):
            replays.append(content["seq"])
        return REFUSED if content.get("seq") in range(10, 10 + IN_A_ROW - 1) else 0

    broker.answer = answer
    gateway = Station(directory=tmp_path, port=broker.port, terms=Terms(replay_ns=3600 * S))
    gateway.read(*([n, n, n] for n in range(40)))
    async with forwarding(gateway):
        await eventually(lambda: not gateway.backlog)
        broker.end(0x8B)
        await eventually(lambda: 40 in replays)
    gateway.log.close()
    assert broker.connections == 2
    assert set(replays) == {*range(1, 41)} - {*range(10, 10 + IN_A_ROW - 1)}


async def test_a_record_may_be_sent_again_while_its_replay_is_under_way(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    gateway = Station(directory=tmp_path, port=broker.port, terms=Terms(replay_ns=3600 * S))
    gateway.read(*([n, n, n] for n in range(40)))
    broker.answer = lambda message: REFUSED if seq_of(message) == 20 else 0
    async with forwarding(gateway):
        await eventually(lambda: not gateway.backlog and any(gateway.log.asides.keys(UPLINK)))
    gateway.log.close()
    gateway = Station(directory=tmp_path, port=broker.port, run=2, terms=Terms(replay_ns=3600 * S))
    unanswered: list[int] = []

    def keep_waiting(message: Published) -> int | None:
        seq = seq_of(message)
        if seq == 20:
            unanswered.append(message.mid)
            if len(unanswered) == 1:
                gateway.log.asides.resend(UPLINK, next(gateway.log.asides.keys(UPLINK)))
                gateway.wake()
            return None
        return 0

    broker.answer = keep_waiting
    async with forwarding(gateway):
        await eventually(lambda: len(unanswered) == 2)
        for mid in unanswered:
            broker.acknowledge(mid)
        await eventually(lambda: balance(gateway.log).quarantined.records == 0)
    gateway.log.close()


async def test_a_stream_on_trial_is_not_held_by_a_record_that_cannot_leave(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.answer = lambda message: REFUSED if seq_of(message) in range(1, IN_A_ROW + 1) else 0
    gateway = Station(directory=tmp_path, port=broker.port)
    gateway.read(*([n, n, n] for n in range(IN_A_ROW)))
    async with forwarding(gateway):
        await eventually(lambda: balance(gateway.log).quarantined.records == IN_A_ROW)
        gateway.append(Stream.READINGS, RecordKind.DATA, b"\x09 from the future", 1)
        gateway.read([1, 2, 3])
        broker.end(0x8B)
        await eventually(lambda: not gateway.backlog)
        assert broker.connections == 2
    gateway.log.close()


async def test_a_stream_on_trial_is_not_held_by_a_replay_that_is_refused(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    gateway = Station(directory=tmp_path, port=broker.port, terms=Terms(replay_ns=3600 * S))
    refused = range(2, IN_A_ROW + 2)
    replays = []

    def answer(message: Published) -> int:
        if orjson.loads(message.payload).get("replay"):
            replays.append(seq_of(message))
            return REFUSED
        return REFUSED if seq_of(message) in refused else 0

    broker.answer = answer
    gateway.read(*([n, n, n] for n in range(1 + IN_A_ROW)))
    async with forwarding(gateway):
        await eventually(lambda: balance(gateway.log).quarantined.records == IN_A_ROW)
        broker.end(0x8B)
        await eventually(lambda: replays == [1])
        gateway.read([1, 2, 3])
        await eventually(lambda: not gateway.backlog)
        assert broker.connections == 2
    gateway.log.close()
