"""Lines as they are: dead without a word, or narrow. A broker in a network namespace of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.brokers import MOSQUITTO, Broker
from tests.namespace import Namespace, namespace
from tests.system.keeper import keeping
from tests.uplinks.station import Station, forwarding
from tests.uplinks.waiting import eventually

DEAD_LINE_S = 6.0
WAITS_S = 60.0
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="capability: mosquitto is not installed")


@pytest.fixture
def cable() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


@pytest.fixture
def broker(tmp_path: Path, cable: Namespace) -> Iterator[Broker]:
    config = "listener {port} {host}\nuser root\nallow_anonymous true\nmax_queued_messages 0\n"
    broker = Broker(tmp_path, (*cable.inside, MOSQUITTO or "", "-c", "{config}"), config, host=cable.host)
    broker.port = 1883  # nobody else is in there
    with broker:
        yield broker


def gateway(folder: Path, broker: Broker, *, run: int, width: int = 3) -> Station:
    options: dict[str, object] = {"host": broker.host, "keepalive": "10s"}
    return Station(directory=folder / f"log-{run}", port=broker.port, run=run, width=width, options=options)


async def test_a_line_that_dies_without_a_word_is_noticed_whether_something_is_sent_or_not(
    tmp_path: Path, cable: Namespace, broker: Broker
) -> None:
    busy, idle = (gateway(tmp_path, broker, run=run) for run in (1, 2))
    noticed: dict[int, float] = {}
    async with AsyncExitStack() as stack:
        for station in (busy, idle):
            await stack.enter_async_context(forwarding(station))
            station.read([0, 0, 0])
        await eventually(lambda: not busy.backlog and not idle.backlog, within_s=WAITS_S)
        cable.cut()
        begun_s = time.monotonic()
        while len(noticed) < 2:
            busy.read([1, 2, 3])
            await asyncio.sleep(0.2)  # the pace of the readings
            for station in (busy, idle):
                if not station.forwarder.state.connected:
                    noticed.setdefault(station.run, time.monotonic() - begun_s)
            assert time.monotonic() - begun_s < 2 * DEAD_LINE_S, noticed
        assert max(noticed.values()) <= DEAD_LINE_S, noticed
        cable.mend()
        idle.read([1, 2, 3])
        await eventually(lambda: not busy.backlog and not idle.backlog, within_s=WAITS_S)
    for station in (busy, idle):
        for balance in station.log.ledger().balances["province"].values():
            assert balance.recorded == balance.delivered
        station.log.close()


async def test_on_a_narrow_line_live_readings_do_not_wait_for_the_backlog(
    tmp_path: Path, cable: Namespace, broker: Broker
) -> None:
    """64 kbit/s; the backlog alone takes it for some eight seconds."""
    station = gateway(tmp_path, broker, run=1, width=30)
    station.read(*([float(n % 7) for n in range(30)] for _ in range(45)))
    station.log.sync(5)
    options = ("--host", broker.host, "--port", "1883", "--from-start")
    with keeping(tmp_path / "kept", *options, wrap=cable.inside) as keeper:
        keeper.listening()
        cable.narrow("64kbit")
        async with forwarding(station):
            await eventually(lambda: station.forwarder.state.connected, within_s=WAITS_S)
            rounds = 0
            while station.backlog > 3:
                station.read([float(rounds)] * 3)
                rounds += 1
                await asyncio.sleep(0.5)
                assert rounds < 120, station.log.ledger().balances
            await eventually(lambda: not station.backlog, within_s=WAITS_S)
            await eventually(lambda: len(keeper.records()) == 45 + rounds, within_s=WAITS_S)
        arrivals = [line for line in keeper.lines() if line.get("verdict") == "new"]
        summary = keeper.end()
    station.log.close()
    late_s = {
        backfill: [
            line["received_utc_ms"] / 1e3 - line["message"]["scan"]["utc_ms"] / 1e3
            for line in arrivals
            if line["message"].get("backfill") is backfill
        ]
        for backfill in (True, False)
    }
    assert summary["faults"] == 0
    assert rounds > 5
    assert max(late_s[True]) > 4
    assert max(late_s[False]) < 3
    order = [line["message"]["seq"] for line in arrivals if line["message"].get("backfill")]
    assert order == sorted(order)
