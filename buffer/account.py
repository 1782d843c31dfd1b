"""One uplink's account in one stream: what of the log is settled for it. Exact, by counting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from buffer.index import Index, Segment, readings_of
from buffer.settled import Count, Fate, Settled

_BY_DELIVERY = frozenset({Fate.DELIVERED, Fate.QUARANTINED})


@dataclass(slots=True)
class Account:
    """`accounted`: this uplink's share of all runs before the present one."""

    settled: Settled
    accounted: Count = field(default_factory=Count)

    def settle(
        self, run: int, first: int, last: int, fate: Fate, readings: int, count: Callable[[int, int], int]
    ) -> Count:
        """Settle what of `first`..`last` is not settled yet and return how much that was.

        `readings`: in the numbers that really were delivered, or in all of them for a loss. Where the range
        overlaps the edge of something settled, `count(first, last)` counts the readings instead.
        """
        parts = list(self.settled.unsettled(run, first, last))
        if not parts:
            return Count()
        new = self._readings_new(run, first, last, fate, readings, count)
        for index, (low, high) in enumerate(parts):
            self.settled.settle(run, low, high, fate, 0 if index else new)
        return Count(sum(high - low + 1 for low, high in parts), new)

    def _readings_new(
        self, run: int, first: int, last: int, fate: Fate, readings: int, count: Callable[[int, int], int]
    ) -> int:
        overlapping = self.settled.overlapping(run, first, last)
        if any(span.first < first or span.last > last for span in overlapping):
            return sum(count(low, high) for low, high in self.settled.unsettled(run, first, last))
        for span in overlapping:
            for old, had in span.tally.items():
                if fate not in _BY_DELIVERY or old in _BY_DELIVERY:
                    readings -= had.readings
        return max(0, readings)

    def advance(self, index: Index, present_run: int) -> None:
        """Raise the floor over finished segments that are settled, and fold runs that lie under it."""
        while (segment := index.after(self.settled.floor)) is not None and self.covers(segment):
            self.settled.floor = segment.opening.number
        for run in list(self.settled.spans):
            newest = index.newest_of(run)
            if run != present_run and (newest is None or newest.opening.number <= self.settled.floor):
                self.settled.fold(run)

    def covers(self, segment: Segment) -> bool:
        """Tell whether everything in a finished segment is settled."""
        contents = segment.contents
        if contents is None:
            return False
        if segment.opening.number <= self.settled.floor or not contents.records:
            return True
        return not any(self.settled.unsettled(segment.opening.run, contents.first, contents.last))

    def unsettled_in(self, segment: Segment) -> list[tuple[int, int, int]]:
        """Return (first, last, readings) of every part of a finished segment that is not settled."""
        contents = segment.contents
        if contents is None or self.covers(segment):
            return []
        parts = self.settled.unsettled(segment.opening.run, contents.first, contents.last)
        return [(low, high, readings_of(segment, low, high)) for low, high in parts]

    def backlog(self, index: Index) -> Count:
        """Count what finished segments hold that is not settled; reads files where that is part of one."""
        parts = [part for segment in index.segments for part in self.unsettled_in(segment)]
        return Count(sum(last - first + 1 for first, last, _ in parts), sum(part[2] for part in parts))
