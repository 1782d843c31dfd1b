"""In which order stored records leave: events, live readings, backfill, and last what is only repeated."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from buffer.asides import Again
from buffer.log import Log
from buffer.reader import Reader
from buffer.record import Record
from config.vocabulary import Stream

BATCH_RECORDS: Final = 32
BATCH_BYTES: Final = 512 * 1024

Choice = Callable[[Record], bool]


class Taken(NamedTuple):
    """A record whose turn it is.

    `backfill`: it was stored before the connection stood. `replay`: and the platform had acknowledged it.
    `paced`: it must not disturb what is live.
    """

    record: Record
    backfill: bool
    replay: bool
    paced: bool


class Lane:
    """One reader, read ahead by a batch; all of its records leave in the same way."""

    def __init__(
        self, reader: Reader | Again, *, backfill: bool, replay: bool = False, wanted: Choice | None = None
    ) -> None:
        self.stream = reader.stream
        self.paced = replay or (backfill and reader.stream is Stream.READINGS)
        self.searching = False
        self.blocked = False
        self._backfill = backfill
        self._replay = replay
        self._reader = reader
        self._wanted = wanted
        self._ahead: deque[Record] = deque()
        self._dry = False

    def next(self) -> Taken | None:
        """Return the next record; None when all that was stored has been taken, or while `searching`.

        It is `blocked` where that is because its next record cannot be read just now.
        """
        if not self._ahead and not self._dry:
            batch = self._reader.next(BATCH_RECORDS, BATCH_BYTES)
            self._ahead.extend(batch if self._wanted is None else filter(self._wanted, batch))
            self._dry = not batch and not self._reader.searching
            self.searching = not self._dry and not self._ahead
            self.blocked = self.searching and self._reader.blocked
        if not self._ahead:
            return None
        return Taken(self._ahead.popleft(), self._backfill, self._replay, self.paced)

    def put_back(self, record: Record) -> None:
        """Let the record that was taken last be the next again."""
        self._ahead.appendleft(record)

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
    What is `refused` is on its way into quarantine, and leaves only if somebody wants that.
    `searching`: `next` must be asked again although nothing was stored. `blocked`: and not at once, because
    something cannot be read just now. It holds the lanes of its stream that come after its own, and no other.
    """

    def __init__(self, log: Log, uplink: str, refused: Choice) -> None:
        events = log.reader(uplink, Stream.EVENTS, start="now")
        readings = log.reader(uplink, Stream.READINGS, start="now")
        self._log = log
        self._live = (events, readings)

        def wanted(record: Record) -> bool:
            return not refused(record)

        self._lanes = [
            Lane(_older(log, uplink, events), backfill=True, wanted=wanted),
            Lane(events, backfill=False, wanted=wanted),
            Lane(readings, backfill=False, wanted=wanted),
            Lane(_older(log, uplink, readings), backfill=True, wanted=wanted),
            *(Lane(log.asides.walk(uplink, stream), backfill=True) for stream in Stream),
        ]
        self._replays: list[Lane] = []
        self._newest: Lane | None = None
        self.searching = False
        self.blocked = False

    def replay(self, since_utc_ns: int, wanted: Choice) -> None:
        """Send last what was stored since then and is `wanted`, whether it was acknowledged or not."""
        self._replays = [
            Lane(
                self._log.history(live.stream, since_utc_ns=since_utc_ns, until=live.origin),
                backfill=True,
                replay=True,
                wanted=wanted,
            )
            for live in self._live
        ]

    @property
    def empty(self) -> bool:
        """Tell whether all that the platform has not acknowledged yet has been taken."""
        return all(lane.empty for lane in self._lanes)

    def next(self, *, paused: bool, resting: Collection[Stream]) -> Taken | None:
        """Return the record that must leave next; None when there is none, or while `searching` for it.

        `paused`: what is paced must wait; `resting`: the streams that must.
        """
        self.searching = self.blocked = False
        for lane in (*self._lanes, *self._replays):
            if (paused and lane.paced) or lane.stream in resting:
                continue
            taken = lane.next()
            if taken is not None:
                self._newest = lane
                return taken
            if lane.blocked:
                self.blocked = True
                resting = {*resting, lane.stream}
            elif lane.searching:
                self.searching = True
                return None
        return None

    def put_back(self, taken: Taken) -> None:
        """Let the record that was returned last be the next of its lane again."""
        assert self._newest is not None, "a record is returned before it is put back"
        self._newest.put_back(taken.record)

    def refresh(self) -> None:
        """Look again for new records: some were stored."""
        for lane in (*self._lanes, *self._replays):
            lane.refresh()


def _older(log: Log, uplink: str, live: Reader) -> Reader:
    return log.reader(uplink, live.stream, start="oldest_unacknowledged", until=live.origin)
