"""How late things were: a log-linear histogram, constant in size, cheap to add to, exact within 1/16."""

from __future__ import annotations

from array import array
from typing import Final

_STEP_BITS: Final = 4
_STEPS: Final = 1 << _STEP_BITS
_LONGEST_BITS: Final = 44  # some five hours


class Lateness:
    """Counts of durations in nanoseconds, sixteen buckets a doubling (the layout of HdrHistogram)."""

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts = array("L", bytes(8 * _STEPS * (_LONGEST_BITS - _STEP_BITS + 1)))
        self.total = 0

    def add(self, late_ns: int) -> None:
        """Count one duration; negative ones count as zero."""
        self._counts[_bucket(min(max(late_ns, 0), (1 << _LONGEST_BITS) - 1))] += 1
        self.total += 1

    def quantile_ns(self, share: float) -> int:
        """Return a bound below which `share` (0..1) of all durations lie; 0 where nothing was counted."""
        wanted, seen = share * self.total, 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return _upper_bound_ns(bucket)
        return 0


def _bucket(late_ns: int) -> int:
    doublings = max(late_ns.bit_length() - _STEP_BITS - 1, 0)
    return (doublings << _STEP_BITS) + (late_ns >> doublings)


def _upper_bound_ns(bucket: int) -> int:
    doublings = max((bucket >> _STEP_BITS) - 1, 0)
    return ((bucket - (doublings << _STEP_BITS)) + 1 << doublings) - 1
