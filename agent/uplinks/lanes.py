"""In which order stored records leave: events before live readings before backfill."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from agent.platforms.contract import StoredRecord
from config.vocabulary import Stream

BATCH_RECORDS: Final = 32
BATCH_BYTES: Final = 512 * 1024

Start = Literal["oldest_unacknowledged", "now"]


class Reader(Protocol):
    """Walks the stored, unsettled records of one stream in log order; see `buffer.reader.Reader`."""

    origin: Any
    exhausted: bool

    def next(self, max_records: int, max_bytes: int) -> Sequence[StoredRecord]:
        """Return the next records; none when nothing new is stored."""
        ...


class ReadableLog(Protocol):
    """The part of the log that lanes need; see `buffer.log.Log`."""

    def reader(self, uplink: str, stream: Stream, *, start: Start, until: Any = None) -> Reader:
        """Return a reader of one stream for one uplink; it is exhausted where `until` says."""
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

    Live readings are those stored from now on; what is older, of this run or an earlier one, is backfill and
    ends where the live lane began.
    """

    def __init__(self, log: ReadableLog, uplink: str) -> None:
        live = log.reader(uplink, Stream.READINGS, start="now")
        self._events = _Lane(log.reader(uplink, Stream.EVENTS, start="oldest_unacknowledged"))
        self._live = _Lane(live)
        self._backfill = _Lane(
            log.reader(uplink, Stream.READINGS, start="oldest_unacknowledged", until=live.origin)
        )

    def next(self) -> tuple[StoredRecord, bool] | None:
        """Return the record that must leave next, and whether it is backfill; None when all have left."""
        for lane in (self._events, self._live, self._backfill):
            record = lane.next()
            if record is not None:
                return record, lane is self._backfill
        return None

    def refresh(self) -> None:
        """Look again for new records: some were stored."""
        self._events.dry = self._live.dry = False
