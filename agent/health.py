"""Whether a device answers, from what becomes of the scans of its groups. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from config.text import Text
from config.units import S
from config.vocabulary import Reason
from drivers.contract import DeviceError

_SURE: Final = 2
"""Scans in a row that a group fails, and no other group answers meanwhile, until the device is lost."""

_CHANGED: Final = 3
_CHANGED_FOR_NS: Final = 30 * S
"""Scans in a row that must fail for another reason than was told, and for how long: a device that by turns
hangs up and falls silent does so for days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Since when a device does not answer, and why not; since when that is why (both CLOCK_BOOTTIME)."""

    since_boot_ns: int
    cause: Text
    reason: Reason
    reason_since_boot_ns: int


@dataclass(slots=True)
class _Run:
    """Scans of one group that failed in a row; `alone`: another group answered meanwhile."""

    since_boot_ns: int
    scans: int = 0
    alone: bool = False


@dataclass(slots=True)
class _Doubt:
    """Scans in a row that failed for another reason than was told."""

    reason: Reason
    since_boot_ns: int
    scans: int = 0


class Health:
    """What is known of one device. `absence` is another object whenever there is something new to tell.

    One group that fails while another answers is no lost device, however often: what it lacks is in its
    readings. So that a slow group does not delay the news for an hour, its last answer counts no longer once
    another group has failed twice since.
    """

    def __init__(self, groups: int) -> None:
        """Know nothing of a device with so many scan groups."""
        self._groups = groups
        self._failing: dict[int, _Run] = {}
        self._doubt: _Doubt | None = None
        self.absence: Absence | None = None
        self.scans_bad = 0

    def failed(self, group: int, error: DeviceError, begun_boot_ns: int) -> None:
        """Hear that a scan of a group brought nothing."""
        run = self._failing.setdefault(group, _Run(begun_boot_ns))
        run.scans += 1
        if self.absence is not None:
            self.scans_bad += 1
            self._look_at(self.absence, error, begun_boot_ns)
        elif len(self._failing) == self._groups or (run.scans >= _SURE and not run.alone):
            runs = [each for each in self._failing.values() if not each.alone]
            since = min(each.since_boot_ns for each in runs)
            self.scans_bad = sum(each.scans for each in runs)
            self.absence = Absence(
                since_boot_ns=since, cause=error.words, reason=error.reason, reason_since_boot_ns=since
            )

    def answered(self, group: int) -> None:
        """Hear that a scan of a group brought something."""
        self._failing.pop(group, None)
        for run in self._failing.values():
            run.alone = True
        self.absence = self._doubt = None

    def _look_at(self, absence: Absence, error: DeviceError, begun_boot_ns: int) -> None:
        if error.reason is Reason.DEMOTED:
            return  # not asked: nothing was found
        if error.reason is absence.reason:
            self._doubt = None
            return
        if self._doubt is None or self._doubt.reason is not error.reason:
            self._doubt = _Doubt(error.reason, begun_boot_ns)
        self._doubt.scans += 1
        since = self._doubt.since_boot_ns
        if self._doubt.scans >= _CHANGED and begun_boot_ns - since >= _CHANGED_FOR_NS:
            self.absence = replace(
                absence, cause=error.words, reason=error.reason, reason_since_boot_ns=since
            )
            self._doubt = None
