"""Events that are found and not handed out yet, so that no flood of them holds whoever asks for long."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from filters.event import Event


class Backlog:
    """Events in the order in which they were found. Each is made only when it is taken."""

    def __init__(self) -> None:
        self._chunks: deque[Iterator[Event]] = deque()

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def add(self, events: Iterator[Event]) -> None:
        """Queue events."""
        self._chunks.append(events)

    def take(self, most: int) -> list[Event]:
        """Return the next events, at most as many."""
        taken: list[Event] = []
        while self._chunks and len(taken) < most:
            taken += islice(self._chunks[0], most - len(taken))
            if len(taken) < most:
                self._chunks.popleft()
        return taken
