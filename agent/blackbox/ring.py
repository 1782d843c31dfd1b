"""The last scans of one scan group, all of its tags, in arrays that never grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.rows import Float64s, Int64s, Uint32s

BYTES_PER_READING: Final = 20
BYTES_PER_SCAN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scans:
    """Successive scans of the tags `first`, `first + 1`, ...: `raw`, `value`, `quality` are [scans, tags].

    `boot_ns`: int64[scans], when each began.
    """

    first: int
    boot_ns: Int64s
    raw: NDArray[np.float64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint32]


class Ring:
    """Keeps the newest `depth` scans. A scan's number counts from 0 and never comes again.

    `end`: the number of the next scan; `begin`: that of the oldest one kept. All memory is written to when it
    is made: the kernel gives it at the first write, in milliseconds that no scan has.
    """

    def __init__(self, first_tag: int, tags: int, depth: int) -> None:
        self.end = 0
        self._first_tag = first_tag
        self._depth = depth
        self._boot_ns = np.zeros(depth, np.int64)
        self._raw = np.full((depth, tags), 0.0)
        self._value = np.full((depth, tags), 0.0)
        self._quality = np.full((depth, tags), 0, np.uint32)

    @property
    def begin(self) -> int:
        """The number of the oldest scan that is kept."""
        return max(0, self.end - self._depth)

    def keep(self, boot_ns: int, raw: Float64s, value: Float64s, quality: Uint32s) -> None:
        """Keep one scan in place of the oldest."""
        row = self.end % self._depth
        self._boot_ns[row] = boot_ns
        self._raw[row] = raw
        self._value[row] = value
        self._quality[row] = quality
        self.end += 1

    def boot_ns(self, number: int) -> int:
        """Return when a scan began; of one that is no longer kept, when the oldest one did."""
        return int(self._boot_ns[max(number, self.begin) % self._depth])

    def since(self, boot_ns: int) -> int:
        """Return the number of the oldest kept scan that began at `boot_ns` or later."""
        kept = self._boot_ns[: self.end - self.begin]
        return self.end - int(np.count_nonzero(kept >= boot_ns))

    def scans(self, first: int, last: int, tags: slice) -> Scans:
        """Return copies of the scans `first`..`last` (all kept) of some of the tags, counted in the group."""
        rows = np.arange(first, last + 1) % self._depth
        return Scans(
            first=self._first_tag + tags.start,
            boot_ns=self._boot_ns[rows],
            raw=self._raw[rows, tags],
            value=self._value[rows, tags],
            quality=self._quality[rows, tags],
        )


def ring_bytes(tags: int, depth: int) -> int:
    """Return what a ring takes up."""
    return depth * (tags * BYTES_PER_READING + BYTES_PER_SCAN)
