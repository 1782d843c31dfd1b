"""Reporting by exception: what of a scan is recorded, and what is only counted.

A reading is recorded when it left the deadband around what was recorded last (absolute, or percent of the
engineering range, OPC UA Part 8), when its quality changed in any bit, when the heartbeat is over, and the
first time. A tag without a deadband is recorded at every scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from config.plant import Plant, ScanGroup
from config.tags import Tag
from filters.image import Image
from filters.layout import LONG_AGO, REPORTING, Bools, Records, Table

if TYPE_CHECKING:
    from filters.kernels import Kernels

SUPPRESSING_RULES: Final = ("deadband",)
"""The rules that may keep a reading from being recorded, in the order of `Report.suppressed`."""

EVERY_READING: Final = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What of one scan is to be recorded: bool[n], valid until the group is reported again.

    `recorded` + the sum of `suppressed` (by `SUPPRESSING_RULES`) is the number of tags in the group.
    """

    selected: Bools
    recorded: int
    suppressed: tuple[int, ...]


class Reporter:
    """The table of reporting and what was recorded last."""

    def __init__(self, plant: Plant, image: Image, groups: Table, kernels: Kernels) -> None:
        selected: Bools = np.zeros(len(plant.tags), dtype=np.bool_)
        self._selected = [selected[group.span] for group in plant.groups]
        self._table = kernels.lay(_table(plant.tags))
        self._run = partial(kernels.report, groups, self._table, image.value, image.quality, selected)

    def report(self, group: ScanGroup, boot_ns: int) -> Report:
        """Choose from the group's newest scan, which began at `boot_ns`."""
        recorded = self._run(group.number, boot_ns)
        return Report(
            selected=self._selected[group.number],
            recorded=recorded,
            suppressed=(group.count - recorded,),
        )

    def forget(self, group: ScanGroup) -> None:
        """Take nothing of a group as recorded: what was chosen last could not be kept."""
        for row in self._table[group.span]:
            row["boot_ns"] = LONG_AGO


def _table(tags: tuple[Tag, ...]) -> Records:
    table: Records = np.zeros(len(tags), REPORTING)
    table["band"] = [deadband_of(tag) for tag in tags]
    table["heartbeat_ns"] = [tag.heartbeat for tag in tags]
    table["value"] = np.nan
    table["boot_ns"] = LONG_AGO
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
