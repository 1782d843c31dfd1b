"""What is really in a segment, number by number, where its SEAL is not enough: looked up in the file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from itertools import accumulate
from typing import Final

from buffer.channel import Tail
from buffer.disk import not_now
from buffer.frame import Header
from buffer.index import Segment
from buffer.scan import Frame, walk
from buffer.segment import PRELUDE_BYTES, Contents, Hole
from config.vocabulary import LossCause

_KEPT: Final = 4


class _Whole:
    """The records that are whole in a segment, ascending."""

    def __init__(self, headers: list[Header]) -> None:
        self.headers = headers
        self._seqs = [header.seq for header in headers]
        self._sums = list(accumulate((header.readings for header in headers), initial=0))

    def readings(self, first: int, last: int) -> int:
        """Return the readings in those of `first`..`last`."""
        return self._sums[bisect_right(self._seqs, last)] - self._sums[bisect_left(self._seqs, first)]


class ReadingCounts:
    """Counts readings by number. Event loop only; the segments looked into last are remembered.

    All raise OSError where descriptors or memory have run out.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], _Whole] = OrderedDict()

    def in_segment(self, segment: Segment, first: int, last: int) -> int:
        """Return the readings in `first`..`last` of a finished segment; what cannot be read counts 0."""
        contents = segment.contents
        if contents is not None and first <= contents.first and contents.last <= last:
            return contents.readings
        return self._whole(segment).readings(first, last)

    def in_hand(self, segment: Segment, tail: Tail, first: int, last: int) -> int:
        """Return the readings in `first`..`last` of a segment that is still being written."""
        first = max(first, segment.opening.seq_before + 1)
        recent = tail.recent
        if recent and recent[0].record.seq <= first:
            records = (stored.record for stored in recent)
            return sum(record.count for record in records if first <= record.seq <= last)
        end = tail.end.offset if tail.end.segment == segment.opening.number else 0
        return _read(segment, end).readings(first, last)

    def missing(self, segment: Segment, contents: Contents) -> list[Hole]:
        """Return the numbers that a finished segment should have, by its `contents`, and are not whole."""
        opening = segment.opening
        found = Contents(last=opening.seq_before, next_readings=opening.readings_before)
        for header in self._whole(segment).headers:
            if header.seq > found.last:
                found.add(header, LossCause.DAMAGED)
        found.miss(contents.last, contents.next_readings, LossCause.DAMAGED)
        return found.holes

    def _whole(self, segment: Segment) -> _Whole:
        key = (segment.opening.stream, segment.opening.number)
        if key not in self._kept:
            self._kept[key] = _read(segment, segment.size_bytes)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _read(segment: Segment, end: int) -> _Whole:
    """Read which records are whole up to `end`; none where the medium does not give the file."""
    opening = segment.opening
    try:
        found = list(walk(segment.window(end), PRELUDE_BYTES))
    except OSError as error:
        if not_now(error):
            raise
        found = []
    headers = [frame.header for frame in found if isinstance(frame, Frame) and frame.header.numbered]
    return _Whole(
        [header for header in headers if (header.run, header.stream) == (opening.run, opening.stream)]
    )
