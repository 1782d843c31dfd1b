"""Back-pressure on the grid: when the processor is too small for what was asked, read less often, and say so.

Polling is never slowed by the network or the disk, only by the want of processor time. Where the event loop
hardly ever waits and grid instants are already missed, groups skip some of their instants: what is then read
is still judged, stored and sent, instead of all of it coming too late.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

BUSY_SHARE: Final = 0.95
CALM_SHARE: Final = 0.85
MISSED_SHARE: Final = 0.01
_RISE: Final = 1.5
_FALL: Final = 0.8
_LARGEST_LEVEL: Final = 64.0
_PARTS: Final = 8
_SPREAD: Final = 5  # has no factor in common with _PARTS, so that neighbours fare differently


@dataclass(slots=True)
class Governor:
    """Chooses how many grid instants are skipped, from how long the event loop waited (`idle_ns`).

    `level`: each group is read at one of so many of its instants; a fraction of it holds for a part of them.
    """

    idle_ns: Callable[[], int]
    level: float = 1.0
    busy_share: float = 0.0
    _idle_ns: int = 0
    _wall_ns: int = 0

    def start(self) -> None:
        """Begin measuring now."""
        self._idle_ns, self._wall_ns = self.idle_ns(), time.monotonic_ns()

    def stride(self, group: int) -> int:
        """Return at which of its instants a group is read: 1 at every one, 2 at every other, and so on."""
        whole, part = divmod(int(self.level * _PARTS), _PARTS)
        return whole + (group * _SPREAD % _PARTS < part)

    def update(self, *, scans: int, overruns: int) -> None:
        """Look at the last interval (a second): `scans` were made, `overruns` were due besides and missed."""
        idle_ns, wall_ns = self.idle_ns(), time.monotonic_ns()
        self.busy_share = 1 - (idle_ns - self._idle_ns) / max(1, wall_ns - self._wall_ns)
        self._idle_ns, self._wall_ns = idle_ns, wall_ns
        self.level = next_level(self.level, self.busy_share, overruns / max(1, scans + overruns))


def next_level(level: float, busy_share: float, missed_share: float) -> float:
    """Return the level for the next interval: up by half when overloaded, down as far as there is room."""
    if busy_share > BUSY_SHARE and missed_share > MISSED_SHARE:
        return min(level * _RISE, _LARGEST_LEVEL)
    return max(1.0, level * min(1.0, max(busy_share / CALM_SHARE, _FALL)))
