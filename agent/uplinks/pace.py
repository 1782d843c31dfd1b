"""How fast backfill may leave, so that catching up disturbs neither the scan grid nor a narrow line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

BYTES_PER_S: Final = 4_000_000
BURST_S: Final = 0.02


class Pace:
    """Allows `bytes_per_s` on average, in bursts of BURST_S; `now_s` is any steady clock."""

    def __init__(self, now_s: Callable[[], float], bytes_per_s: int = BYTES_PER_S) -> None:
        self._now_s = now_s
        self._bytes_per_s = bytes_per_s
        self._paid_at_s = now_s()

    @property
    def wait_s(self) -> float:
        """How long to wait before the next burst; 0 where more may leave at once."""
        debt_s = self._paid_at_s - self._now_s()
        return debt_s if debt_s >= BURST_S else 0.0

    def spend(self, count_bytes: int) -> None:
        """Note that so many bytes left; unused time is not saved up."""
        self._paid_at_s = max(self._paid_at_s, self._now_s()) + count_bytes / self._bytes_per_s
