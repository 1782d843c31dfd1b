"""In which order stored records leave: events before live readings before backfill."""

from __future__ import annotations

from collections import deque
from typing import Final

from buffer.log import Log
from buffer.reader import Reader
from buffer.record import Record
from buffer.resends import Again
from config.vocabulary import Stream

BATCH_RECORDS: Final = 32
BATCH_BYTES: Final = 512 * 1024


class Lane:
    """One reader, read ahead by a batch. `backfill`: all of it was stored before the connection stood."""

    def __init__(self, reader: Reader | Again, *, backfill: bool) -> None:
        self.backfill = backfill
        self._reader = reader
        self._ahead: deque[Record] = deque()
        self._dry = False

    def next(self) -> Record | None:
        """Return the next record, None when all that was stored has been taken."""
        if not self._ahead and not self._dry:
            self._ahead.extend(self._reader.next(BATCH_RECORDS, BATCH_BYTES))
            self._dry = not self._ahead
        return self._ahead.popleft() if self._ahead else None

    @property
    def empty(self) -> bool:
        """Tell whether all that was stored has been taken."""
        return self._dry and not self._ahead

    def refresh(self) -> None:
        """Look again: something was stored."""
        self._dry = self._reader.exhausted


class Lanes:
    """The lanes of one uplink, from the moment its connection stands.

    Live is what is stored from now on; what is older, of this run or an earlier one, is backfill, and ends
    where live began. Events leave in their order, whatever else waits; last what somebody wants sent again.
    """

    def __init__(self, log: Log, uplink: str) -> None:
        self._first = _two(log, uplink, Stream.EVENTS)
        self._again = tuple(Lane(log.resends(uplink, stream), backfill=True) for stream in Stream)
        self._backfill, self._live = _two(log, uplink, Stream.READINGS)

    @property
    def _all(self) -> tuple[Lane, ...]:
        return (*self._first, self._live, self._backfill, *self._again)

    @property
    def empty(self) -> bool:
        """Tell whether all that was stored has been taken."""
        return all(lane.empty for lane in self._all)

    def next(self, *, paused: bool) -> tuple[Record, bool] | None:
        """Return the record that must leave next, and whether it is backfill; None when there is none.

        `paused`: backfilled readings must wait.
        """
        for lane in self._all:
            if paused and lane is self._backfill:
                return None
            record = lane.next()
            if record is not None:
                return record, lane.backfill
        return None

    def refresh(self) -> None:
        """Look again for new records: some were stored."""
        for lane in self._all:
            lane.refresh()


def _two(log: Log, uplink: str, stream: Stream) -> tuple[Lane, Lane]:
    """Return the backfill and the live lane of a stream."""
    live = log.reader(uplink, stream, start="now")
    older = log.reader(uplink, stream, start="oldest_unacknowledged", until=live.origin)
    return Lane(older, backfill=True), Lane(live, backfill=False)
