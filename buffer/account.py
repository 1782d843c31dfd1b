"""One uplink's account in one stream: what of the log is settled for it. Exact, by counting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from buffer.index import Index, Segment
from buffer.settled import MAX_SPANS, Count, Fate, Settled


@dataclass(slots=True)
class Account:
    """`accounted`: this uplink's share of all runs before the present one."""

    settled: Settled
    accounted: Count = field(default_factory=Count)

    def settle(
        self, run: int, first: int, last: int, fate: Fate, readings: int, count: Callable[[int, int], int]
    ) -> None:
        """Settle what of `first`..`last` is not settled yet: all of it, or nothing where `count` raises.

        `readings`: in all of them. Where a part is settled already, `count(first, last)` says what the others
        have.
        """
        parts = list(self.settled.unsettled(run, first, last))
        whole = parts == [(first, last)]
        counted = [readings] if whole else [count(low, high) for low, high in parts]
        for (low, high), found in zip(parts, counted, strict=True):
            self.settled.settle(run, low, high, fate, found)

    def advance(self, index: Index) -> None:
        """Raise the floor over finished segments that are settled, and fold runs that lie under it."""
        while (segment := index.after(self.settled.floor)) is not None and self.covers(segment):
            self.settled.floor = segment.opening.number
        for run in list(self.settled.spans):
            newest = index.newest_of(run)
            if newest is None or newest.opening.number <= self.settled.floor:
                self.settled.fold(run)

    def crowded(self, index: Index) -> bool:
        """Tell whether the cursor has room for no more settled segments that go before older ones.

        One range is kept for the oldest, which may always go.
        """
        return len(self.settled.over(index.gaps())) >= MAX_SPANS - 1

    def covers(self, segment: Segment) -> bool:
        """Tell whether everything in a finished segment is settled."""
        contents = segment.contents
        if contents is None:
            return False
        if segment.opening.number <= self.settled.floor or not contents.records:
            return True
        return not any(self.settled.unsettled(segment.opening.run, contents.first, contents.last))

    def needs(self, segment: Segment) -> list[tuple[int, int]]:
        """Return the parts (first, last) of a finished segment that are not settled."""
        contents = segment.contents
        if contents is None or self.covers(segment):
            return []
        return list(self.settled.unsettled(segment.opening.run, contents.first, contents.last))
