"""What has an end is told in time: in events, and in the status until it is renewed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent.concerns import concerns
from agent.expiry import running_out
from agent.heartbeat import Heartbeat
from agent.wiring import Wiring
from config.text import text
from drivers.contract import Expiry
from tests.agent.rig import events, forwarding_plant, wired
from tests.virtual import VirtualClock

S = 10**9
DAY = 86400 * S


class Renewable:
    """A driver whose certificate ends."""

    def __init__(self, wiring: Wiring, in_days: int) -> None:
        self.expiry = Expiry(what=text("our own OPC UA certificate"), utc_ns=utc_ns(wiring) + in_days * DAY)

    def expiries(self) -> tuple[Expiry, ...]:
        return (self.expiry,)


def utc_ns(wiring: Wiring) -> int:
    return wiring.timebase.anchor.utc_ns_of(wiring.clock.boot_ns())


def told(wiring: Wiring) -> list[int]:
    return [event.figures["days"] for event in events(wiring) if event.kind == "running_out"]


async def test_the_end_of_a_certificate_is_told_30_7_and_1_days_ahead_and_when_it_is_past(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        driver = Renewable(wiring, in_days=35)
        wiring.poller.drivers = {"plc": driver, "other device of the same server": driver}
        beating = asyncio.create_task(Heartbeat(wiring).run())
        for _ in range(40):
            await clock.advance(3 * S)
            clock.utc_offset_ns += DAY
        assert told(wiring) == [29, 6, 0, -1]
        (words,) = [event.text for event in events(wiring) if event.figures.get("days") == 6]
        assert "our own OPC UA certificate runs out in 6 days" in words.en
        beating.cancel()


async def test_a_concern_stands_until_the_certificate_is_renewed(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        driver = Renewable(wiring, in_days=31)
        wiring.poller.drivers = {"plc": driver}
        assert not running_out(wiring.poller.drivers.values(), utc_ns(wiring))
        driver.expiry = Renewable(wiring, in_days=-3).expiry
        assert any("ran out on" in str(concern) for concern in concerns(wiring, {}))
        driver.expiry = Renewable(wiring, in_days=3653).expiry
        assert not any("certificate" in str(concern) for concern in concerns(wiring, {}))
