"""How many readings a stretch of numbers has, where nobody can say: looked up in the segments themselves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from itertools import accumulate
from typing import Final, NamedTuple

from buffer.channel import Tail
from buffer.index import Segment
from buffer.scan import Frame, Window, walk
from buffer.segment import PRELUDE_BYTES

_KEPT: Final = 4


class _Table(NamedTuple):
    """The numbers that are whole in a segment, ascending, and the readings before each and after the last."""

    seqs: list[int]
    before: list[int]

    def readings(self, first: int, last: int) -> int:
        """Return the readings in `first`..`last`."""
        low, high = bisect_left(self.seqs, first), bisect_right(self.seqs, last)
        return self.before[high] - self.before[low]


class ReadingCounts:
    """Counts readings by number. Event loop only; the segments looked into last are remembered."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[int, int], _Table] = OrderedDict()

    def in_segment(self, segment: Segment, first: int, last: int) -> int:
        """Return the readings in `first`..`last` of a finished segment; what cannot be read counts 0."""
        contents = segment.contents
        if contents is not None and first <= contents.first and contents.last <= last:
            return contents.readings
        key = (segment.opening.stream, segment.opening.number)
        if key not in self._tables:
            self._tables[key] = _table(segment, segment.size_bytes)
        self._tables.move_to_end(key)
        if len(self._tables) > _KEPT:
            self._tables.popitem(last=False)
        return self._tables[key].readings(first, last)

    def in_hand(self, segment: Segment, tail: Tail, first: int, last: int) -> int:
        """Return the readings in `first`..`last` of a segment that is still being written."""
        first = max(first, segment.opening.seq_before + 1)
        recent = tail.recent
        if recent and recent[0].record.seq <= first:
            records = (stored.record for stored in recent)
            return sum(record.count for record in records if first <= record.seq <= last)
        end = tail.end.offset if tail.end.segment == segment.opening.number else 0
        return _table(segment, end).readings(first, last)


def _table(segment: Segment, end: int) -> _Table:
    try:
        found = list(walk(Window(segment.path, end), PRELUDE_BYTES))
    except OSError:
        found = []
    headers = [frame.header for frame in found if isinstance(frame, Frame) and frame.header.numbered]
    before = accumulate((header.readings for header in headers), initial=0)
    return _Table([header.seq for header in headers], list(before))
