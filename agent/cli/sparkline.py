"""The recent past of a value in one line of characters."""

from __future__ import annotations

from collections import deque
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"
NO_VALUE: Final = "·"


class Sparkline:
    """The last `width` values, drawn between the least and the greatest of them; None: there was none."""

    def __init__(self, width: int) -> None:
        self._values: deque[float | None] = deque(maxlen=width)

    def add(self, value: float | None) -> None:
        """Take the next value; the oldest goes."""
        self._values.append(value)

    def __str__(self) -> str:
        known = [value for value in self._values if value is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        return "".join(NO_VALUE if value is None else _bar(value, low, high) for value in self._values)


def _bar(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.5
    return BARS[min(len(BARS) - 1, int(share * len(BARS)))]
