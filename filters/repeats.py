"""When the alarms that stand are told again: at the alarm cadence, each counted from when it was raised."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from filters.layout import NEVER


class Repeats:
    """The repetitions that are due, by the rows of the alarms; of those that ended too, until then.

    `cadence_ns`: time between two of them; None: nothing is repeated.
    """

    def __init__(self, cadence_ns: int | None) -> None:
        self._cadence_ns = cadence_ns
        self._due: list[tuple[int, int]] = []

    @property
    def due_ns(self) -> int:
        """When the next one is due."""
        return self._due[0][0] if self._due else NEVER

    def next_ns(self, row: int, from_ns: int, now_ns: int) -> int:
        """Arrange for the next repetition on the grid that begins at `from_ns`; return when it is due."""
        if self._cadence_ns is None:
            return NEVER
        due_ns = from_ns + ((now_ns - from_ns) // self._cadence_ns + 1) * self._cadence_ns
        heapq.heappush(self._due, (due_ns, row))
        return due_ns

    def take(self, now_ns: int) -> Iterator[int]:
        """Yield the rows that are due by `now_ns`, the first due first."""
        while self._due and self._due[0][0] <= now_ns:
            yield heapq.heappop(self._due)[1]
