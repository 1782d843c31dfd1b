"""The polling grid: each scan group on a steady grid of its own; the one place where a DeviceError lands."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from agent import journal
from agent.clock import Clock
from agent.health import Absence, Health
from agent.lateness import Lateness
from config.plant import Plant, ScanGroup
from config.text import Text, text
from config.turns import Pieces, at_once, in_turns
from config.vocabulary import Reason
from drivers.contract import DeviceError, Driver, Scan

_PHASES: Final = 16


class Sink(Protocol):
    """Where scans go; every call returns at once, and so does every piece of `take`."""

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        """Take one scan that started at `start_boot_ns`; it is taken when all pieces are done."""
        ...

    def device_lost(self, device: str, cause: Text, reason: Reason, boot_ns: int) -> None:
        """Hear that no group of a device can be read any more, since the scan that began at `boot_ns`."""
        ...

    def device_lost_otherwise(self, device: str, reason: Reason, boot_ns: int) -> None:
        """Hear that a lost device is lost for another reason since the scan that began at `boot_ns`."""
        ...

    def device_restored(self, device: str, lost_boot_ns: int, boot_ns: int, scans_bad: int) -> None:
        """Hear that a device answers again, and what its absence cost."""
        ...


@dataclass(slots=True, kw_only=True)
class GridCounters:
    """What became of a group's grid instants: all = scans + overruns + shed."""

    scans: int = 0
    scans_bad: int = 0
    overruns: int = 0
    shed: int = 0
    lateness: Lateness = field(default_factory=Lateness)


class Poller:
    """Polls every scan group of a plant for ever.

    `stride(number of the group)` is asked after each scan: 1 reads at every grid instant, 2 at every other
    one, and so on.
    """

    def __init__(
        self,
        plant: Plant,
        drivers: dict[str, Driver],
        sink: Sink,
        clock: Clock,
        stride: Callable[[int], int] = lambda _: 1,
    ) -> None:
        self._plant = plant
        self.drivers = drivers
        self._sink = sink
        self._clock = clock
        self._stride = stride
        groups_of = Counter(group.device for group in plant.groups)
        self._health = {device: Health(groups_of[device]) for device in plant.description.devices}
        self.counters = {group.number: GridCounters() for group in plant.groups}

    async def run(self) -> None:
        """Poll until cancelled; then give every connection back."""
        try:
            async with asyncio.TaskGroup() as tasks:
                start_boot_ns = self._clock.boot_ns()
                for group in self._plant.groups:
                    tasks.create_task(self._poll(group, start_boot_ns), name=f"poll {group.name}")
        finally:
            await asyncio.gather(*(driver.close() for driver in self.drivers.values()))

    def absences(self) -> dict[str, Absence]:
        """Return the devices that do not answer."""
        return {
            device: health.absence for device, health in self._health.items() if health.absence is not None
        }

    async def _poll(self, group: ScanGroup, start_boot_ns: int) -> None:
        period_ns = self._plant.scan_class_of(group).period
        driver, counters = self.drivers[group.device], self.counters[group.number]
        due = start_boot_ns + period_ns * (group.number % _PHASES) // _PHASES
        while True:
            await self._clock.sleep_until(due)
            begun = self._clock.boot_ns()
            counters.lateness.add(begun - due)
            await self._pass_on(group, await self._scan(group, driver, counters, begun), begun)
            past = max(0, self._clock.boot_ns() - due) // period_ns
            shed = self._stride(group.number) - 1
            counters.shed += shed
            counters.overruns += max(0, past - shed)
            due += (max(past, shed) + 1) * period_ns

    async def _pass_on(self, group: ScanGroup, scan: Scan, begun_boot_ns: int) -> None:
        """Let the sink take a scan; what was read is taken whole, also when the polling ends meanwhile."""
        taking = self._sink.take(group, scan, begun_boot_ns)
        try:
            await in_turns(taking)
        finally:
            at_once(taking)

    async def _scan(
        self, group: ScanGroup, driver: Driver, counters: GridCounters, begun_boot_ns: int
    ) -> Scan:
        counters.scans += 1
        try:
            scan = await driver.scan(group)
        except DeviceError as error:
            counters.scans_bad += 1
            self._failed(group, error, begun_boot_ns)
            return _all_bad(group, error.quality)
        self._answered(group)
        return scan

    def _failed(self, group: ScanGroup, error: DeviceError, begun_boot_ns: int) -> None:
        device, health = group.device, self._health[group.device]
        known = health.absence
        health.failed(group.number, error, begun_boot_ns)
        found = health.absence
        if found is None or found is known:
            return
        if known is None:
            journal.warn(text("device lost"), device=device, cause=found.cause)
            self._sink.device_lost(device, found.cause, found.reason, found.since_boot_ns)
        else:
            journal.warn(text("device lost for another reason now"), device=device, cause=found.cause)
            self._sink.device_lost_otherwise(device, found.reason, found.reason_since_boot_ns)

    def _answered(self, group: ScanGroup) -> None:
        device, health = group.device, self._health[group.device]
        known = health.absence
        health.answered(group.number)
        if known is None:
            return
        now, lost = self._clock.boot_ns(), known.since_boot_ns
        after = f"{(now - lost) / 1e9:.1f}s"
        journal.info(text("device restored"), device=device, after=after, scans_bad=health.scans_bad)
        self._sink.device_restored(device, lost, now, health.scans_bad)


def _all_bad(group: ScanGroup, quality: int) -> Scan:
    return Scan(raw=np.full(group.count, np.nan), quality=np.full(group.count, quality, dtype=np.uint32))
