"""The replay window: what a broker acknowledged and may have lost is sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.receive.ledger import Ledger
from agent.receive.messages import Checker
from agent.receive.schema import fault_of
from agent.uplinks.terms import Terms
from config.units import S
from config.vocabulary import EventKind, Stream
from tests.uplinks.scripted_broker import ScriptedBroker
from tests.uplinks.station import Station, forwarding
from tests.uplinks.waiting import eventually

HOUR_NS = 3600 * S


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


@contextmanager
def station(
    tmp_path: Path, broker: ScriptedBroker, replay_ns: int = 2 * HOUR_NS, **more: Any
) -> Iterator[Station]:
    made = Station(directory=tmp_path, port=broker.port, terms=Terms(replay_ns=replay_ns), **more)
    try:
        yield made
    finally:
        made.log.close()


def records(broker: ScriptedBroker) -> list[dict[str, Any]]:
    contents = [orjson.loads(found.payload) for found in broker.received]
    return [content for content in contents if "seq" in content]


def replayed(broker: ScriptedBroker) -> list[tuple[str, str, int]]:
    return [
        (content["run"][-1], content["stream"], content["seq"])
        for content in records(broker)
        if content.get("replay")
    ]


async def test_after_a_reconnect_what_was_acknowledged_is_sent_again_marked_and_last(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker) as gateway:
        async with forwarding(gateway):
            gateway.read(*([n, n, n] for n in range(5)))
            gateway.tell(EventKind.CLOCK_STEP)
            await eventually(lambda: not gateway.backlog)
            assert replayed(broker) == []
            broker.answer = lambda _: None
            gateway.read([5, 5, 5])
            await eventually(lambda: len(records(broker)) == 7)
            broker.answer = lambda _: 0
            broker.end(0x8B)
            await eventually(lambda: len(replayed(broker)) == 6)
            gateway.read([6, 6, 6])
            await eventually(lambda: not gateway.backlog)
        assert replayed(broker) == [("1", "events", 1), *(("1", "readings", seq) for seq in range(1, 6))]
        again = records(broker)[7:]
        assert [content["seq"] for content in again if not content.get("replay")] == [6, 7]
        assert all(content["backfill"] for content in again if content.get("replay"))
        assert fault_of("readings", again[-2]) is None
        balance = gateway.log.ledger().balances["province"][Stream.READINGS]
        assert balance.recorded == balance.delivered == (7, 21)
        book, checker = Ledger(from_start=True), Checker()
        for message in broker.received:
            book.enter(checker.check(message.payload))
        assert book.summary()["faults"] == 0


async def test_a_new_run_repeats_what_the_one_before_had_delivered(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    for run in (1, 2):
        with station(tmp_path, broker, run=run) as gateway:
            async with forwarding(gateway):
                gateway.read([1, 2, 3], [4, 5, 6])
                await eventually(lambda gateway=gateway: not gateway.backlog)
                await eventually(lambda run=run: len(replayed(broker)) == 2 * (run - 1))
    assert replayed(broker) == [("1", "readings", 1), ("1", "readings", 2)]


async def test_only_the_window_is_repeated(tmp_path: Path, broker: ScriptedBroker) -> None:
    with station(tmp_path, broker) as gateway:
        async with forwarding(gateway):
            gateway.read(*([n, n, n] for n in range(100)))
            await eventually(lambda: not gateway.backlog)
            gateway.clock = replace_clock(gateway, 3 * HOUR_NS)
            gateway.read(*([n, n, n] for n in range(100, 105)))
            await eventually(lambda: not gateway.backlog)
            broker.end(0x8B)
            await eventually(lambda: broker.connections == 2 and len(replayed(broker)) >= 5)
        assert Counter(replayed(broker)) == Counter(("1", "readings", seq) for seq in range(101, 106))


def replace_clock(gateway: Station, by_ns: int) -> Any:
    """Make the gateway believe that time has passed."""
    real = gateway.clock

    class Later:
        def boot_ns(self) -> int:
            return real.boot_ns() + by_ns

    later = Later()
    gateway.forwarder._gateway = replace(gateway.forwarder._gateway, clock=later)
    return later


async def test_what_a_platform_refuses_when_it_is_repeated_is_not_put_aside(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker) as gateway:
        async with forwarding(gateway):
            gateway.read([1, 2, 3], [4, 5, 6])
            await eventually(lambda: not gateway.backlog)
            broker.answer = lambda found: 0x99 if orjson.loads(found.payload).get("replay") else 0
            broker.end(0x8B)
            await eventually(lambda: len(replayed(broker)) == 2)
            gateway.read([7, 8, 9])
            await eventually(lambda: not gateway.backlog)
        balance = gateway.log.ledger().balances["province"][Stream.READINGS]
        assert (balance.delivered.records, balance.quarantined.records) == (3, 0)
