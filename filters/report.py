"""Reporting by exception: what of a scan is recorded, and what is only counted.

A reading is recorded when it left the deadband around what was recorded last (absolute, or percent of the
engineering range, OPC UA Part 8) and `min_interval` has passed since, when its quality changed in any bit,
when the heartbeat is over, and the first time. A tag without a deadband is recorded at every scan. With a
swinging door (`filters.exception`) the line between recorded readings takes the deadband's place, and what it
held back is recorded at the next scan, as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from config.plant import Plant, ScanGroup
from config.tags import ReportBy, Tag
from filters.image import Image
from filters.layout import LONG_AGO, NEVER, REPORTING, Bools, Float64s, Int64s, Records, Table, Uint32s

if TYPE_CHECKING:
    from filters.kernels import Kernels

SUPPRESSING_RULES: Final = ("deadband", "min_interval", "swinging_door")
"""The rules that may keep a reading from being recorded, in the order of `Report.suppressed`."""

EVERY_READING: Final = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Readings of the scan before, begun at `boot_ns`, that were held back and are to be recorded now.

    Arrays over the group's tags; valid until the group is reported again.
    """

    selected: Bools
    raw: Float64s
    value: Float64s
    quality: Uint32s
    boot_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What of one scan is to be recorded: bool[n], valid until the group is reported again.

    `recorded` (late ones included) + the sum of `suppressed` (by `SUPPRESSING_RULES`) is the number of tags
    in the group; a reading that is recorded late is taken back from what its door suppressed.
    """

    selected: Bools
    recorded: int
    suppressed: tuple[int, ...]
    late: Late | None = None


class Reporter:
    """The table of reporting, what was recorded last, and the scans from which something may be held back."""

    def __init__(self, plant: Plant, image: Image, groups: Table, kernels: Kernels) -> None:
        selected: Bools = np.zeros(len(plant.tags), dtype=np.bool_)
        late: Bools = np.zeros(len(plant.tags), dtype=np.bool_)
        self._selected = [selected[group.span] for group in plant.groups]
        self._counts: Int64s = np.zeros(len(SUPPRESSING_RULES), dtype=np.int64)
        self._table = kernels.lay(_table(plant.tags))
        self._before = {
            group.number: _Before(image, group.span, late[group.span])
            for group in plant.groups
            if any(tag.report is ReportBy.SWINGING_DOOR for tag in plant.tags_of(group))
        }
        self._run = partial(
            kernels.report, groups, self._table, image.value, image.quality, selected, late, self._counts
        )

    def report(self, group: ScanGroup, boot_ns: int) -> Report:
        """Choose from the group's newest scan, which began at `boot_ns`, and from what was held back."""
        recorded = self._run(group.number, boot_ns)
        before = self._before.get(group.number)
        return Report(
            selected=self._selected[group.number],
            recorded=recorded,
            suppressed=tuple(self._counts.tolist()),
            late=before.late(boot_ns) if before is not None else None,
        )

    def forget(self, group: ScanGroup) -> None:
        """Take nothing of a group as recorded: what was chosen last could not be kept."""
        for row in self._table[group.span]:
            row["boot_ns"] = LONG_AGO
            row["held"] = 0


class _Before:
    """A group's readings of the scan before the newest, and which of them are to be recorded late."""

    def __init__(self, image: Image, span: slice, selected: Bools) -> None:
        self._selected = selected
        self._image = image
        self._span = span
        self._newest = (image.raw[span].copy(), image.value[span].copy(), image.quality[span].copy())
        self._spare = (image.raw[span].copy(), image.value[span].copy(), image.quality[span].copy())
        self._boot_ns = LONG_AGO

    def late(self, boot_ns: int) -> Late | None:
        """Return what is recorded late, and keep the scan that began at `boot_ns`."""
        (raw, value, quality), before_ns = self._newest, self._boot_ns
        self._newest, self._spare, self._boot_ns = self._spare, self._newest, boot_ns
        self._newest[0][:] = self._image.raw[self._span]
        self._newest[1][:] = self._image.value[self._span]
        self._newest[2][:] = self._image.quality[self._span]
        if not self._selected.any():
            return None
        return Late(selected=self._selected, raw=raw, value=value, quality=quality, boot_ns=before_ns)


def _table(tags: tuple[Tag, ...]) -> Records:
    table: Records = np.zeros(len(tags), REPORTING)
    table["band"] = [deadband_of(tag) for tag in tags]
    table["heartbeat_ns"] = [tag.heartbeat for tag in tags]
    table["min_interval_ns"] = [tag.min_interval for tag in tags]
    table["door"] = [tag.report is ReportBy.SWINGING_DOOR for tag in tags]
    table["max_delay_ns"] = [tag.max_delay for tag in tags]
    table["value"] = np.nan
    table["boot_ns"] = LONG_AGO
    table["left_ns"] = NEVER
    return table


def deadband_of(tag: Tag) -> float:
    """Return a tag's deadband in engineering units; `EVERY_READING` where it has none.

    A percentage needs the engineering range; without one the tag counts as having no deadband.
    """
    if tag.deadband.absolute is not None:
        return tag.deadband.absolute
    if tag.deadband.percent is None or tag.range_low is None or tag.range_high is None:
        return EVERY_READING
    return tag.deadband.percent / 100 * (tag.range_high - tag.range_low)
