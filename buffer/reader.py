"""Readers: walk what is stored and not settled, in log order, from RAM where it is recent, else from disk."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from buffer.account import Account
from buffer.channel import Place, Stored, Tail
from buffer.disk import not_now
from buffer.frame import Decoder
from buffer.index import Index, Segment
from buffer.record import Record
from buffer.scan import Frame, Window, walk
from buffer.segment import PRELUDE_BYTES, Hole
from config.vocabulary import LossCause, RecordKind, Stream

PASSED_AT_ONCE: Final = 200
"""As many settled records are passed over within a few milliseconds."""
_STREAMS: Final = {int(stream): stream for stream in Stream}
_KINDS: Final = {int(kind): kind for kind in RecordKind}

OnMissing = Callable[[Segment, Hole], None]
"""Called with numbers that should be in a segment and are not."""


class Bound(NamedTuple):
    """A place in a stream; `seq`, `readings`: the run's numbers before it and their readings, or 0."""

    place: Place
    seq: int = 0
    readings: int = 0


@dataclass(slots=True, kw_only=True)
class _Chapter:
    """A segment being read from disk. `next_seq`: the number that should come next."""

    segment: Segment
    window: Window
    next_seq: int
    next_readings: int


class Reader:
    """One walk through one stream for one uplink. Event loop only; any number may walk at the same time.

    Numbers that are settled for the uplink when the reader comes to them are passed over. `origin` is where
    it began: given to another reader as `until`, the two share the stream without overlap. `exhausted` is
    True once `until` was reached; `searching` while so much was passed over that `next` must be called again,
    or while what comes next cannot be read just now (`blocked`).
    """

    def __init__(
        self,
        *,
        stream: Stream,
        index: Index,
        account: Account,
        tail: Callable[[], Tail],
        on_missing: OnMissing,
        start: Bound,
        until: Bound | None,
    ) -> None:
        self.stream = stream
        self.origin = start
        self.searching = False
        self.blocked = False
        self.exhausted = until is not None and start.place >= until.place
        self._index = index
        self._account = account
        self._tail = tail
        self._on_missing = on_missing
        self._until = until
        self._place = start.place
        self._seq_before = start.seq
        self._readings_before = start.readings
        self._chapter: _Chapter | None = None
        self._decoder = Decoder()

    def next(self, max_records: int, max_bytes: int) -> list[Record]:
        """Return the next records; [] where nothing new is stored, or `until` was reached, or `searching`.

        At most `max_records`; ends with the record that reaches `max_bytes` of bodies, or where
        PASSED_AT_ONCE others were passed over, or where descriptors or memory have run out.
        """
        records: list[Record] = []
        tail = self._tail()
        try:
            stopped = self._collect(tail, records, max_records, max_bytes)
            self.blocked = False
        except OSError:
            stopped = self.blocked = True
        self.searching = stopped and not records
        return records

    def _collect(self, tail: Tail, records: list[Record], max_records: int, max_bytes: int) -> bool:
        """Add the next records to `records`; tell whether more may follow. Raises OSError for "not now"."""
        left_bytes, passed = max_bytes, 0
        for record in self._walk(tail):
            if record is None:
                passed += 1
            else:
                records.append(record)
                left_bytes -= len(record.body)
            if left_bytes <= 0 or len(records) == max_records or passed == PASSED_AT_ONCE:
                return True
        return False

    def _walk(self, tail: Tail) -> Iterator[Record | None]:
        """Yield what is stored from here on, None for what is settled; `_place` is then behind it.

        Raises OSError where that is not possible now, with everything before `_place` given.
        """
        end = Bound(tail.end, tail.seq, tail.readings)
        if self._until is not None:
            end = min(end, self._until)
        if tail.recent and tail.recent[0].place < end.place:
            oldest = tail.recent[0]
            yield from self._from_disk(Bound(oldest.place, oldest.record.seq - 1, oldest.readings_before))
            yield from self._from_recent(tail.recent, end.place)
        else:
            yield from self._from_disk(end)
        self.exhausted = self._until is not None and self._place >= self._until.place

    def _from_recent(self, recent: tuple[Stored, ...], end: Place) -> Iterator[Record | None]:
        contains = self._account.settled.contains
        for at in range(bisect_left(recent, self._place, key=_place), len(recent)):
            record, place, following, readings_before = recent[at]
            if place >= end:
                return
            self._chapter = None
            self._move(Bound(following, record.seq, readings_before + record.count))
            yield None if contains(record.run, record.seq) else record

    def _from_disk(self, end: Bound) -> Iterator[Record | None]:
        while self._place < end.place and (chapter := self._open(end.place)) is not None:
            try:
                yield from self._read(chapter)
            except OSError as error:
                if not_now(error):
                    raise
            self._finish(chapter, end)
        if self._place < end.place:
            self._move(end)

    def _move(self, bound: Bound) -> None:
        """Go on behind numbers that are known, in a segment that is not being read."""
        self._place, self._seq_before, self._readings_before = bound

    def _open(self, end: Place) -> _Chapter | None:
        """Return the segment to read next, None where there is none before `end`."""
        segment = self._index.after(self._place.segment - 1)
        while segment is not None and self._account.covers(segment):
            segment = self._index.after(segment.opening.number)
        if segment is None or segment.opening.number > end.segment:
            return None
        number = segment.opening.number
        if number != self._place.segment or not self._place.offset:
            self._place = Place(number, PRELUDE_BYTES)
        limit = end.offset if number == end.segment else segment.size_bytes
        if self._chapter is None or self._chapter.segment is not segment:
            if self._place.offset == PRELUDE_BYTES:
                self._move(Bound(self._place, segment.opening.seq_before, segment.opening.readings_before))
            self._chapter = _Chapter(
                segment=segment,
                window=segment.window(limit),
                next_seq=self._seq_before + 1,
                next_readings=self._readings_before,
            )
        self._chapter.window.end = limit
        return self._chapter

    def _finish(self, chapter: _Chapter, end: Bound) -> None:
        """Leave a segment that was read to its end, or to `end`."""
        number, contents = chapter.segment.opening.number, chapter.segment.contents
        if number == end.place.segment:
            self._expect(chapter, end.seq + 1, end.readings)
            self._place = end.place
        else:
            assert contents is not None, "only the newest segment is in hand"
            self._expect(chapter, contents.last + 1, contents.next_readings)
            self._place = Place(number + 1, 0)

    def _read(self, chapter: _Chapter) -> Iterator[Record | None]:
        opening = chapter.segment.opening
        for found in walk(chapter.window, self._place.offset):
            self._place = Place(opening.number, found.end)
            if isinstance(found, Frame) and self._belongs(chapter, found):
                header = found.header
                self._expect(chapter, header.seq, header.readings_before)
                chapter.next_seq = header.seq + 1
                chapter.next_readings = header.readings_before + header.readings
                settled = self._account.settled.contains(header.run, header.seq)
                yield None if settled else record_of(found, self._decoder)

    def _belongs(self, chapter: _Chapter, frame: Frame) -> bool:
        header, opening = frame.header, chapter.segment.opening
        same = header.run == opening.run and header.stream == opening.stream
        return header.numbered and same and header.seq >= chapter.next_seq

    def _expect(self, chapter: _Chapter, seq: int, readings_before: int) -> None:
        """Report the numbers missing before `seq`."""
        if chapter.next_seq < seq:
            readings = max(0, readings_before - chapter.next_readings)
            hole = Hole(chapter.next_seq, seq - 1, readings, LossCause.DAMAGED)
            self._on_missing(chapter.segment, hole)
            chapter.next_seq, chapter.next_readings = seq, readings_before


def record_of(frame: Frame, decoder: Decoder) -> Record:
    """Return the record that a numbered frame holds."""
    header = frame.header
    return Record(
        run=header.run,
        stream=_STREAMS[header.stream],
        seq=header.seq,
        kind=_KINDS[header.kind],
        first_boot_ns=header.first_boot_ns,
        last_boot_ns=header.last_boot_ns,
        count=header.readings,
        body=decoder.body(header, frame.stored),
    )


def _place(stored: Stored) -> Place:
    return stored.place
