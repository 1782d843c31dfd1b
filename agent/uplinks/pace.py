"""How fast backfill may leave, so that catching up disturbs neither the scan grid nor a narrow line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

BURST_S: Final = 0.02
SLOW: Final = 2.0
"""An answer that takes this many times what is prompt shows that too much is under way."""


class Pace:
    """Allows `bytes_per_s` on average, in bursts of BURST_S; `now_s` is any steady clock."""

    def __init__(self, now_s: Callable[[], float], bytes_per_s: int, *, after_s: float = 0.0) -> None:
        """Begin in `after_s`."""
        self._now_s = now_s
        self._bytes_per_s = bytes_per_s
        self._paid_at_s = now_s() + after_s

    @property
    def wait_s(self) -> float:
        """How long to wait before the next burst; 0 where more may leave at once."""
        debt_s = self._paid_at_s - self._now_s()
        return debt_s if debt_s >= BURST_S else 0.0

    def spend(self, count_bytes: int) -> None:
        """Note that so many bytes left; unused time is not saved up."""
        self._paid_at_s = max(self._paid_at_s, self._now_s()) + count_bytes / self._bytes_per_s


class Room:
    """How many backfilled records may be under way: more while answers are prompt, half when they are slow.

    What is under way lies before the next live reading, so a narrow line bounds it: at most about
    SLOW * `prompt_s` of the line's time. Additive increase, multiplicative decrease, as in TCP (RFC 5681).
    """

    def __init__(self, most: int, prompt_s: float) -> None:
        self._most = most
        self._prompt_s = prompt_s
        self._allowed = min(2, most)
        self._under_way = 0

    @property
    def full(self) -> bool:
        """Whether the next must wait for an answer."""
        return self._under_way >= self._allowed

    def enter(self) -> None:
        """Note that a record is about to leave."""
        self._under_way += 1

    def leave(self, took_s: float) -> None:
        """Note that one was answered, so long after it left."""
        self._under_way -= 1
        if took_s > SLOW * self._prompt_s:
            self._allowed = max(1, self._allowed // 2)
        elif took_s <= self._prompt_s:
            self._allowed = min(self._most, self._allowed + 1)
