"""The segments of one stream that exist, in log order. Belongs to the event loop."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from buffer.frame import FORMAT, LAYOUTS, Layout
from buffer.scan import Window
from buffer.segment import Contents, Opening
from config.vocabulary import Stream

_NO_END: Final = 2**63


@dataclass(slots=True, kw_only=True, eq=False)
class Segment:
    """One segment. `contents` is None, and `size_bytes` 0, while it is being written.

    `layout`: that of the version which its file says.
    """

    opening: Opening
    path: Path
    size_bytes: int = 0
    contents: Contents | None = None
    layout: Layout = LAYOUTS[FORMAT]

    def __lt__(self, other: Segment) -> bool:
        return self.opening.number < other.opening.number

    def window(self, end: int | None = None) -> Window:
        """Return its file to be read, up to `end` where it is still being written."""
        return Window(self.path, self.size_bytes if end is None else end, self.layout)

    def totals(self) -> tuple[int, int]:
        """Return the stream's records and readings over all runs up to the end of a finished segment."""
        opening, contents = self.opening, self.contents
        assert contents is not None, "only a finished segment has totals"
        return (
            opening.records_before_run + contents.last,
            opening.readings_before_run + contents.next_readings,
        )


class Gap(NamedTuple):
    """Numbers `first`..`last` of a run."""

    run: int
    first: int
    last: int


class Index:
    """Segments of one stream, ascending; the last ones may be in the writer's hand."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.segments: list[Segment] = []
        self.newest = 0
        self._of_run: dict[int, list[Segment]] = {}

    def add(self, segment: Segment) -> None:
        """Add a segment, finished or just begun."""
        insort(self.segments, segment)
        self.newest = max(self.newest, segment.opening.number)
        insort(self._of_run.setdefault(segment.opening.run, []), segment)

    def seal(self, number: int, contents: Contents, size_bytes: int) -> None:
        """Note that a segment is finished."""
        segment = self.segments[bisect_right(self.segments, number, key=_number) - 1]
        segment.contents = contents
        segment.size_bytes = size_bytes

    def remove(self, segment: Segment) -> None:
        """Forget a segment that is going to be deleted."""
        self.segments.remove(segment)
        of_run = self._of_run[segment.opening.run]
        of_run.remove(segment)
        if not of_run:
            del self._of_run[segment.opening.run]

    def after(self, number: int) -> Segment | None:
        """Return the first segment with a higher number."""
        at = bisect_right(self.segments, number, key=_number)
        return self.segments[at] if at < len(self.segments) else None

    def find(self, run: int, seq: int) -> Segment | None:
        """Return the segment that has a number of a run, or would have it."""
        of_run = self._of_run.get(run, [])
        at = bisect_left(of_run, seq, key=_seq_before)
        return of_run[at - 1] if at else None

    def between(self, run: int, first: int, last: int) -> list[Segment]:
        """Return the segments that may have numbers of `first`..`last` of a run."""
        of_run = self._of_run.get(run, [])
        low = max(0, bisect_left(of_run, first, key=_seq_before) - 1)
        return of_run[low : bisect_left(of_run, last, key=_seq_before)]

    def ending_behind(self, run: int, seq: int) -> Segment | None:
        """Return the finished segment that has a number of a run, or that follows where it should be."""
        of_run = self._of_run.get(run, [])
        at = max(0, bisect_left(of_run, seq, key=_seq_before) - 1)
        return next((found for found in of_run[at:] if found.contents and found.contents.last >= seq), None)

    def gaps(self) -> Iterator[Gap]:
        """Yield what segments had that are gone, of runs that have others, in log order."""
        for before, segment in pairwise([None, *self.segments]):
            if before is not None and before.contents is None:
                return  # what follows one in hand is in hand
            if segment is not None:
                yield from _gaps(before, segment)

    def at(self, number: int) -> Segment | None:
        """Return the segment with a number."""
        found = self.after(number - 1)
        return found if found is not None and found.opening.number == number else None

    def runs(self) -> list[int]:
        """Return the runs that have segments, in log order."""
        return list(dict.fromkeys(segment.opening.run for segment in self.segments))

    def newest_of(self, run: int) -> Segment | None:
        """Return the newest segment of a run."""
        return next(self.newest_first(run), None)

    def newest_first(self, run: int) -> Iterator[Segment]:
        """Yield the segments of a run, the newest first."""
        return reversed(self._of_run.get(run, []))

    def in_hand(self) -> int:
        """Return how many segments are not finished: the last ones."""
        newest_first = reversed(self.segments)
        return next((at for at, found in enumerate(newest_first) if found.contents), len(self.segments))

    def sealed_bytes(self) -> int:
        """Return the size of all finished segments."""
        return sum(segment.size_bytes for segment in self.segments if segment.contents is not None)


def _gaps(before: Segment | None, segment: Segment) -> Iterator[Gap]:
    opening, last = segment.opening, 0
    if before is not None and before.contents is not None:
        if before.opening.run == opening.run:
            last = before.contents.last
        elif before.totals()[0] < opening.records_before_run:
            yield Gap(before.opening.run, before.contents.last + 1, _NO_END)
    if last < opening.seq_before:
        yield Gap(opening.run, last + 1, opening.seq_before)


def _seq_before(segment: Segment) -> int:
    return segment.opening.seq_before


def _number(segment: Segment) -> int:
    return segment.opening.number
