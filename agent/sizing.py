"""How long a plant's log lasts, and how much is written to the disk for it: an estimate before the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.plant import Plant, ScanGroup
from config.units import DAY

RECORD_BYTES: Final = 115
"""A record on disk besides its readings: header, counters, quality; held by tests/agent/test_sizing.py."""
COMMIT_BYTES: Final = 17_000
"""What a commit has written besides the records: a page again, the journal; measured below ext4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """Most bytes a day, kept and written, and the days that the cap holds at least; both without events.

    Reached where every reading of every scan is reported; deadbands make it less.
    """

    kept_bytes: float
    written_bytes: float
    days: float
    at_least_days: float
    at_least_cap_bytes: float

    @property
    def enough(self) -> bool:
        """Whether the cap holds what is to be kept at least."""
        return self.days >= self.at_least_days


def size_log(plant: Plant) -> Sizing:
    """Estimate from the tags, their types and periods."""
    settings = plant.description.log
    kept = sum(_scans(plant, group) * _scan_bytes(plant, group) for group in plant.groups)
    scans = sum(_scans(plant, group) for group in plant.groups)
    commits = min(scans, DAY / settings.commit_interval)
    at_least_days = settings.at_least / DAY
    return Sizing(
        kept_bytes=kept,
        written_bytes=kept + commits * COMMIT_BYTES,
        days=settings.cap / kept,
        at_least_days=at_least_days,
        at_least_cap_bytes=kept * at_least_days,
    )


def _scans(plant: Plant, group: ScanGroup) -> float:
    """Return how often a group is scanned in a day."""
    return DAY / plant.scan_class_of(group).period


def _scan_bytes(plant: Plant, group: ScanGroup) -> float:
    """Return the bytes of a scan's record: raw values, taken as incompressible; values follow from them."""
    return RECORD_BYTES + sum(tag.type.bits / 8 for tag in plant.tags[group.span])
