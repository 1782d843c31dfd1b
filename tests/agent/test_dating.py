"""Whatever the clock does, every record arrives once, in order, dated by the best that is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.heartbeat import Heartbeat
from agent.past import take_up
from agent.platforms.fengsui1 import Fengsui1
from agent.receive.ledger import Ledger
from agent.receive.messages import Checker, Received
from agent.timebase import BUILT_UTC_NS
from agent.uplinks.contract import Message, UplinkDown
from agent.uplinks.forward import Forwarder
from agent.uplinks.session import Gateway
from agent.uplinks.terms import Terms
from agent.wiring import Wiring
from config.units import DAY, S
from tests.agent.rig import STORED_S, UPLINK, forwarding_plant, take, wired
from tests.virtual import VirtualClock

SCANS = 10
TODAY_NS = BUILT_UTC_NS + 300 * DAY
LIMIT_S = 20.0


@dataclass
class Platform:
    """An uplink whose platform is the reference receiver, in this process."""

    checker: Checker = field(default_factory=Checker)
    book: Ledger = field(default_factory=lambda: Ledger(from_start=True))
    received: list[Received] = field(default_factory=list)
    greeted: asyncio.Event = field(default_factory=asyncio.Event)

    window: int = 20

    async def heard(self) -> bytes:
        return await asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        pass

    async def send(self, message: Message) -> None:
        found = self.checker.check(message.payload)
        self.book.enter(found)
        self.received.append(found)
        self.greeted.set()

    def hurry(self) -> None:
        pass

    async def closed(self) -> UplinkDown:
        return await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        pass

    def scans(self) -> list[Received]:
        return [found for found in self.received if found.kind == "readings"]

    def steps(self) -> list[float]:
        events = [found.content for found in self.received if found.kind == "event"]
        return [event["figures"]["step_s"] for event in events if event["event"] == "clock_step"]


@asynccontextmanager
async def forwarding(wiring: Wiring, platform: Platform) -> AsyncIterator[Forwarder]:
    gateway = Gateway(
        run=wiring.run_id,
        clock=wiring.clock,
        dictionary=wiring.pipeline._dictionary,
        anchor=lambda: wiring.timebase.anchor,
    )
    codec = Fengsui1(enterprise="test-works", gateway="gw-1", uplink=UPLINK)
    forwarder = Forwarder(UPLINK, lambda _: platform, codec, wiring.log, gateway, lambda *_: None, Terms())
    task = asyncio.create_task(forwarder.run())
    await platform.greeted.wait()
    try:
        yield forwarder
    finally:
        task.cancel()
        await asyncio.wait([task])


async def deliver(wiring: Wiring, forwarder: Forwarder) -> None:
    wiring.log.sync(STORED_S)
    assert await forwarder.drain(LIMIT_S)


async def scan(wiring: Wiring, clock: VirtualClock) -> None:
    for number in range(SCANS):
        take(wiring, [number, 7])
        await clock.advance(S)


@pytest.mark.parametrize("live", [True, False], ids=["sent as they come", "sent afterwards"])
@pytest.mark.parametrize(
    ("first_ns", "vouched", "step_ns"),
    [
        (TODAY_NS, True, -12 * 3600 * S),
        (TODAY_NS, True, 4 * 365 * DAY),
        (20 * S, False, TODAY_NS - 20 * S),
    ],
    ids=["12 hours back", "4 years ahead", "1970 at boot, then synchronised"],
)
async def test_a_clock_that_steps_loses_doubles_and_disorders_nothing(
    first_ns: int, vouched: bool, step_ns: int, live: bool, tmp_path: Path
) -> None:
    clock, platform = VirtualClock(vouched=vouched), Platform()
    clock.utc_offset_ns = first_ns - clock.now_ns
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        take_up(wiring)
        beating = asyncio.create_task(Heartbeat(wiring).run())
        async with forwarding(wiring, platform) as forwarder:
            await scan(wiring, clock)
            if live:
                await deliver(wiring, forwarder)
            before = len(platform.received)
            clock.utc_offset_ns += step_ns
            clock.vouched = True
            await scan(wiring, clock)
            await deliver(wiring, forwarder)
        beating.cancel()
    assert [found.content["seq"] for found in platform.scans()] == list(range(1, 2 * SCANS + 1))
    assert platform.book.summary()["faults"] == 0
    first_believed_ns = max(first_ns, BUILT_UTC_NS)
    assert platform.steps() == [pytest.approx((first_ns + step_ns - first_believed_ns) / S, abs=30)]
    afterwards = [found.content for found in platform.received[before:] if found.kind == "readings"]
    assert len(afterwards) == (SCANS if live else 2 * SCANS)
    for content in afterwards[1 if live else 0 :]:
        scanned_ns = content["scan"]["boot_ms"] * 1e6
        assert content["scan"]["utc_ms"] * 1e6 == pytest.approx(scanned_ns + clock.utc_offset_ns, abs=1e6)
        assert content["clock"]["state"] == "synchronised"
