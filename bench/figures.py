"""The arithmetic of the bench: percentiles, grid jitter, what is missing from a count."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile, `share` in (0, 1]; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[math.ceil(share * len(values)) - 1]


def shares_ms(values_ns: Sequence[int]) -> dict[str, float]:
    """Return the 50th and 99th percentile of durations, in milliseconds."""
    return {name: percentile(values_ns, share) / 1e6 for name, share in (("p50", 0.5), ("p99", 0.99))}


def lateness_ns(starts_ns: Sequence[int], period_ns: int) -> list[int]:
    """Return how much later than a steady grid each start was, in ns, always >= 0.

    The grid has the given period and the phase of the earliest start relative to it, so that a start that was
    skipped altogether costs nothing here: missed instants are counted elsewhere.
    """
    if not starts_ns:
        return []
    origin = starts_ns[0]
    offsets = [start - origin - round((start - origin) / period_ns) * period_ns for start in starts_ns]
    earliest = min(offsets)
    return [offset - earliest for offset in offsets]
