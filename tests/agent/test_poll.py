"""The grid: steady, counted, and never disturbed by one device's failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.poll import Poller
from config.plant import Plant, ScanGroup
from config.text import Text, text
from config.turns import Pieces
from config.vocabulary import Reason, reason_of
from drivers.contract import DeviceTimeout, DriverCounters, LinkDown, Scan
from tests.agent.plants import make_plant
from tests.virtual import VirtualClock, settle

S = 10**9
PIECES = 1000


@dataclass
class ScriptedDriver:
    """Answers after `takes_ns` of virtual time, or raises what `failure` returns."""

    clock: VirtualClock
    takes_ns: int = 0
    failure: Callable[[], Exception | None] = lambda: None
    closed: bool = False
    counters: DriverCounters = field(default_factory=DriverCounters)

    async def scan(self, group: ScanGroup) -> Scan:
        if self.takes_ns:
            await self.clock.sleep_until(self.clock.boot_ns() + self.takes_ns)
        error = self.failure()
        if error is not None:
            raise error
        return Scan(raw=np.ones(group.count), quality=np.zeros(group.count, dtype=np.uint32))

    async def close(self) -> None:
        self.closed = True

    def plan(self, group: ScanGroup) -> list[Text]:
        return []


@dataclass
class Recorder:
    """A sink that keeps everything."""

    scans: list[tuple[str, int, Scan]] = field(default_factory=list)
    told: list[tuple[str, str, int]] = field(default_factory=list)

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        self.scans.append((group.device, start_boot_ns, scan))
        yield from ()

    def device_lost(self, device: str, cause: Text, reason: Reason, boot_ns: int) -> None:
        self.told.append(("lost", device, boot_ns))

    def device_lost_otherwise(self, device: str, reason: Reason, boot_ns: int) -> None:
        self.told.append((f"lost: {reason.name}", device, boot_ns))

    def device_restored(self, device: str, lost_boot_ns: int, boot_ns: int, scans_bad: int) -> None:
        self.told.append(("restored", device, scans_bad))

    def starts(self, device: str) -> list[int]:
        return [start for name, start, _ in self.scans if name == device]


@asynccontextmanager
async def polling(
    plant: Plant, drivers: dict[str, ScriptedDriver], clock: VirtualClock, stride: int = 1
) -> AsyncIterator[tuple[Poller, Recorder]]:
    sink = Recorder()
    poller = Poller(plant, dict(drivers), sink, clock, lambda _: stride)
    task = asyncio.create_task(poller.run())
    try:
        yield poller, sink
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_scans_start_on_a_steady_grid_however_long_each_takes() -> None:
    clock, plant = VirtualClock(), make_plant()
    async with polling(plant, {"plc": ScriptedDriver(clock, takes_ns=S // 3)}, clock) as (_, sink):
        await clock.advance(100 * S)
    starts = sink.starts("plc")
    assert len(starts) == 100
    assert set(np.diff(starts)) == {S}


async def test_a_scan_longer_than_its_period_counts_the_missed_instants_and_stays_on_the_grid() -> None:
    clock, plant = VirtualClock(), make_plant()
    async with polling(plant, {"plc": ScriptedDriver(clock, takes_ns=5 * S // 2)}, clock) as (poller, sink):
        await clock.advance(30 * S - 1)
    starts = sink.starts("plc")
    assert set(np.diff(starts)) == {3 * S}
    counters = poller.counters[0]
    assert counters.overruns == 2 * len(starts)
    assert counters.scans == len(starts)


async def test_a_slow_device_does_not_move_its_neighbours() -> None:
    clock, plant = VirtualClock(), make_plant(devices=("quick", "slow"))
    drivers = {"quick": ScriptedDriver(clock), "slow": ScriptedDriver(clock, takes_ns=7 * S)}
    async with polling(plant, drivers, clock) as (_, sink):
        await clock.advance(50 * S)
    assert len(sink.starts("quick")) == 51
    assert set(np.diff(sink.starts("quick"))) == {S}


async def test_a_lost_device_gives_bad_readings_with_the_reason_and_is_told_of_once() -> None:
    clock, plant = VirtualClock(), make_plant(devices=("dead", "live"))
    words = text("the device did not answer within {seconds} s", seconds=1)
    drivers = {
        "dead": ScriptedDriver(clock, failure=lambda: DeviceTimeout(words)),
        "live": ScriptedDriver(clock),
    }
    async with polling(plant, drivers, clock) as (poller, sink):
        await clock.advance(20 * S)
        assert poller.absences()["dead"].cause == words
        assert set(poller.absences()) == {"dead"}
    assert [told[:2] for told in sink.told] == [("lost", "dead")]
    dead = [scan for device, _, scan in sink.scans if device == "dead"]
    assert len(dead) == 21
    assert all(np.isnan(scan.raw).all() for scan in dead)
    assert {reason_of(int(word)) for scan in dead for word in scan.quality} == {Reason.TIMEOUT}


async def test_a_device_that_comes_back_is_told_with_what_its_absence_cost() -> None:
    clock, plant = VirtualClock(), make_plant()
    begun = clock.boot_ns()

    def failure() -> Exception | None:
        return LinkDown(text("link down")) if clock.boot_ns() < begun + 10 * S else None

    async with polling(plant, {"plc": ScriptedDriver(clock, failure=failure)}, clock) as (poller, sink):
        await clock.advance(15 * S)
        assert poller.absences() == {}
    assert sink.told == [("lost", "plc", begun), ("restored", "plc", 10)]


async def test_a_pulled_cable_is_told_though_the_first_question_timed_out() -> None:
    clock, plant = VirtualClock(), make_plant()
    begun = clock.boot_ns()
    failures = iter([DeviceTimeout(text("silent"))])

    def failure() -> Exception:
        return next(failures, None) or LinkDown(text("no connection"))

    async with polling(plant, {"plc": ScriptedDriver(clock, failure=failure)}, clock) as (poller, sink):
        await clock.advance(60 * S)
        assert str(poller.absences()["plc"].cause) == "no connection"
    assert sink.told == [("lost", "plc", begun), ("lost: LINK_DOWN", "plc", begun + S)]


async def test_a_stride_skips_grid_instants_and_counts_them_as_shed() -> None:
    clock, plant = VirtualClock(), make_plant()
    async with polling(plant, {"plc": ScriptedDriver(clock)}, clock, stride=4) as (poller, sink):
        await clock.advance(40 * S - 1)
    assert set(np.diff(sink.starts("plc"))) == {4 * S}
    assert poller.counters[0].shed == 3 * len(sink.starts("plc"))


async def test_an_error_that_is_no_device_error_ends_the_poller_and_closes_every_driver() -> None:
    clock, plant = VirtualClock(), make_plant(devices=("a", "b"))
    drivers = {
        "a": ScriptedDriver(clock, failure=lambda: ZeroDivisionError("a bug")),
        "b": ScriptedDriver(clock),
    }
    poller = Poller(plant, dict(drivers), Recorder(), clock)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(poller.run(), 5)
    assert caught.group_contains(ZeroDivisionError)
    assert all(driver.closed for driver in drivers.values())


class SlowSink(Recorder):
    """A sink that takes a scan in more pieces than the loop has turns for."""

    done = 0

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        for _ in range(PIECES):
            yield
        self.done += 1


async def test_a_scan_that_was_read_is_taken_whole_though_polling_ends_meanwhile() -> None:
    clock, plant, sink = VirtualClock(), make_plant(), SlowSink()
    poller = asyncio.create_task(Poller(plant, {"plc": ScriptedDriver(clock)}, sink, clock).run())
    await settle()
    assert not sink.done
    poller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poller
    assert sink.done == 1
