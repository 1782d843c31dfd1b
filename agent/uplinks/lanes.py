"""In which order stored records leave: events before live readings before backfill."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from agent.platforms.contract import StoredRecord
from config.vocabulary import Stream

BATCH_RECORDS: Final = 32
BATCH_BYTES: Final = 512 * 1024

Start = Literal["oldest_unacknowledged", "now"]


class Reader(Protocol):
    """Walks the stored, unacknowledged records of one stream in log order; see `buffer.log.Reader`."""

    def next(self, max_records: int, max_bytes: int) -> Sequence[StoredRecord]:
        """Return the next records; none when nothing new is stored."""
        ...


class ReadableLog(Protocol):
    """The part of the log that lanes need."""

    def reader(self, uplink: str, stream: Stream, *, start: Start) -> Reader:
        """Return a reader of one stream for one uplink."""
        ...


@dataclass(slots=True)
class _Lane:
    reader: Reader
    ahead: deque[StoredRecord] = field(default_factory=deque)
    dry: bool = False

    def next(self) -> StoredRecord | None:
        if not self.ahead and not self.dry:
            self.ahead.extend(self.reader.next(BATCH_RECORDS, BATCH_BYTES))
            self.dry = not self.ahead
        return self.ahead.popleft() if self.ahead else None


class Lanes:
    """The three lanes of one uplink, from the moment its connection stands.

    Live readings are those stored from now on; what is older, of this run or an earlier one, is backfill. The
    two walk the same stream: backfill ends where the live lane began.
    """

    def __init__(self, log: ReadableLog, uplink: str, run: int) -> None:
        self._run = run
        self._events = _Lane(log.reader(uplink, Stream.EVENTS, start="oldest_unacknowledged"))
        self._live = _Lane(log.reader(uplink, Stream.READINGS, start="now"))
        self._backfill: _Lane | None = _Lane(
            log.reader(uplink, Stream.READINGS, start="oldest_unacknowledged")
        )
        self._first_live = 0
        self._last_backfilled = 0

    def next(self) -> tuple[StoredRecord, bool] | None:
        """Return the record that must leave next, and whether it is backfill; None when all have left."""
        event = self._events.next()
        if event is not None:
            return event, False
        live = self._next_live()
        if live is not None:
            return live, False
        backfill = self._next_backfill()
        return None if backfill is None else (backfill, True)

    def refresh(self) -> None:
        """Look again for new records: some were stored."""
        for lane in (self._events, self._live, self._backfill):
            if lane is not None:
                lane.dry = False

    def _next_live(self) -> StoredRecord | None:
        record = self._live.next()
        while record is not None and record.seq <= self._last_backfilled:
            record = self._live.next()
        if record is not None and not self._first_live:
            self._first_live = record.seq
        return record

    def _next_backfill(self) -> StoredRecord | None:
        record = self._backfill.next() if self._backfill is not None else None
        if record is None or record.run != self._run:
            return record
        if self._first_live and record.seq >= self._first_live:
            self._backfill = None
            return None
        self._last_backfilled = record.seq
        return record
