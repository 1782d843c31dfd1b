"""The time as devices say it: read with the tags, so that no request is made for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from agent.clock import Clock
from agent.timebase import Sample, Timebase
from config.clocks import CalendarTime, OpcUaTime, TagTime, TimeSource
from config.plant import Plant, ScanGroup
from config.units import MS, S
from config.vocabulary import QualityClass, Reason, class_of, reason_of
from drivers.contract import Scan
from filters.image import Image

DeviceTime = OpcUaTime | TagTime | CalendarTime
_COUNTED_NS: Final = {"s": S, "ms": MS}
_STAMPED: Final = frozenset({Reason.NONE, Reason.UNDECODABLE, Reason.NOT_A_NUMBER})
"""Of a node whose stamp is good, whatever its value is: ServerStatus.CurrentTime is no number."""


class DeviceClocks:
    """Looks at every scan that holds a clock, after the image has it.

    A clock is one while it moves: a server or a PLC that stands still shows the same time again and again.
    """

    def __init__(self, plant: Plant, image: Image, timebase: Timebase, clock: Clock) -> None:
        self._plant = plant
        self._image = image
        self._timebase = timebase
        self._clock = clock
        self._shown_ns: dict[DeviceTime, int] = {}
        self._of_group: dict[int, list[DeviceTime]] = {}
        for source in plant.description.time.sources:
            for group in _groups(plant, source):
                self._of_group.setdefault(group.number, []).append(source)  # type: ignore[arg-type]

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> None:
        """Offer the time that a scan tells, if it tells one."""
        for source in self._of_group.get(group.number, ()):
            found = self._read(source, group, scan)
            if found is None or not self._moves(source, found[0]):
                continue
            utc_ns, step_ns = found
            took_ns = self._clock.boot_ns() - start_boot_ns
            self._timebase.offer(
                Sample(
                    source=source.type,
                    boot_ns=start_boot_ns + took_ns // 2,
                    utc_ns=utc_ns + step_ns // 2,
                    uncertainty_ns=source.within + step_ns // 2 + took_ns // 2,
                )
            )

    def _moves(self, source: DeviceTime, utc_ns: int) -> bool:
        """Tell whether a clock shows another time than when it was read last."""
        before, self._shown_ns[source] = self._shown_ns.get(source, utc_ns), utc_ns
        return utc_ns != before

    def _read(self, source: DeviceTime, group: ScanGroup, scan: Scan) -> tuple[int, int] | None:
        """Return the UTC that a clock shows and the length of its steps; None where it cannot be read."""
        if isinstance(source, OpcUaTime):
            return self._stamp(source, group, scan)
        numbers = [self._plant.number_of[tag] for tag in _tags(source)]
        if any(class_of(int(self._image.quality[number])) is not QualityClass.GOOD for number in numbers):
            return None
        values = [float(self._image.value[number]) for number in numbers]
        if isinstance(source, TagTime):
            return round(values[0]) * _COUNTED_NS[source.counts], _COUNTED_NS[source.counts]
        return _calendar_ns(source, [round(value) for value in values])

    def _stamp(self, source: OpcUaTime, group: ScanGroup, scan: Scan) -> tuple[int, int] | None:
        at = self._plant.number_of[source.tag] - group.first
        if scan.stamps is None or reason_of(int(scan.quality[at])) not in _STAMPED:
            return None
        utc_ns = int(scan.stamps.source_utc_ns[at] or scan.stamps.server_utc_ns[at])
        return (utc_ns, 0) if utc_ns else None


def _calendar_ns(source: CalendarTime, parts: list[int]) -> tuple[int, int] | None:
    """Return the UTC of a calendar and its step, a second; None where that is no date."""
    year, month, day, hour, minute, second = parts
    zone = datetime.strptime(source.zone, "%z").tzinfo
    try:
        shown = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except (ValueError, OverflowError):
        return None
    return round(shown.timestamp()) * S, S


def _tags(source: DeviceTime) -> tuple[str, ...]:
    return source.tags if isinstance(source, CalendarTime) else (source.tag,)


def _groups(plant: Plant, source: TimeSource) -> Iterator[ScanGroup]:
    """Yield the scan groups in which all tags of a source are; one, or none."""
    if isinstance(source, DeviceTime):
        numbers = {plant.number_of[tag] for tag in _tags(source)}
        for group in plant.groups:
            if numbers <= set(range(group.first, group.first + group.count)):
                yield group
