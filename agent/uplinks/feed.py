"""What leaves next over one connection, and when: the lanes, held back for a narrow line or a refusal."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator
from itertools import chain
from typing import Final

from agent.bodies import RecordError
from agent.dictionary import Dictionary
from agent.uplinks.lanes import Lanes, Taken
from agent.uplinks.pace import Pace, Room
from agent.uplinks.parcels import Packer, Parcel
from agent.uplinks.poison import Suspicion
from agent.uplinks.refusals import Refusals
from agent.uplinks.repeat import Repeat
from agent.uplinks.terms import Terms
from buffer.record import Record
from config.text import Text, text
from config.vocabulary import Stream

SPREAD_S: Final = 10.0
SPREAD_SHARE: Final = 0.1
"""Backfill begins within this share of the time without connection, at most SPREAD_S: each gateway at its own
moment, so that a thousand do not catch up at once."""
SEARCH_PAUSE_S: Final = 0.002
POSTPONED_S: Final = 0.1
"""When it is tried again to read what a record needs, where descriptors or memory have run out."""

PutAside = Callable[[Taken, Text], None]


class Feed:
    """Gives parcels in the order in which they must leave.

    `more` is called when there may be something although nothing was stored; `put_aside` for records that
    cannot leave. `away_s`: for how long there was no connection.
    """

    def __init__(
        self,
        lanes: Lanes,
        packer: Packer,
        terms: Terms,
        window: int,
        suspicion: Suspicion,
        refusals: Refusals,
        more: Callable[[], None],
        put_aside: PutAside,
        *,
        away_s: float,
    ) -> None:
        self._lanes = lanes
        self._packer = packer
        self._suspicion = suspicion
        self._refusals = refusals
        self._more = more
        self._put_aside = put_aside
        self._repeat: Repeat | None = None
        self._ready: deque[Iterator[Parcel]] = deque()
        self._loop = asyncio.get_running_loop()
        spread_s = min(SPREAD_S, away_s * SPREAD_SHARE)
        self._pace = Pace(self._loop.time, terms.backfill_bytes_per_s, after_s=terms.phase * spread_s)
        self._room = Room(window, terms.prompt_s)
        self._resume: asyncio.TimerHandle | None = None

    @property
    def empty(self) -> bool:
        """Tell whether all that the platform has not acknowledged has left."""
        return self._lanes.empty and not self._ready

    def replay(self, since_utc_ns: int) -> None:
        """Send last what was stored since then, even if the platform has acknowledged it."""
        self._repeat = Repeat(since_utc_ns, self._packer)
        self._lanes.replay(since_utc_ns, self._is_wanted)

    def refresh(self) -> None:
        """Look for records: some were stored."""
        self._lanes.refresh()

    def introduce(self, dictionary: Dictionary) -> None:
        """Have this run's dictionary go first."""
        self._ready.append(self._packer.introduce(dictionary, current=True))

    def next(self, *, nothing_new: bool = False) -> Parcel | None:
        """Return what must leave next; None when there is nothing, or nothing yet.

        `nothing_new`: give only what was prepared before.
        """
        held: frozenset[Stream] = frozenset()
        while (parcel := self._prepared()) is None:
            taken = None if nothing_new else self._take(held)
            if taken is None:
                return None
            if taken.replay and not self._is_wanted(taken.record):
                continue  # it was sent since the lane was read ahead
            if not self.prepare(taken):
                self._lanes.put_back(taken)
                held |= {taken.record.stream}
        return parcel

    def _take(self, held: Collection[Stream]) -> Taken | None:
        """Return the record whose turn it is; None when there is none yet.

        `held`: streams whose next record needs what cannot be read just now.
        """
        pause_s = self._pace.wait_s
        paused = self._room.full or pause_s > 0
        rests_s = {stream: rest_s for stream in Stream if (rest_s := self._refusals.wait_s(stream))}
        rests_s |= dict.fromkeys(held, POSTPONED_S)
        taken = self._lanes.next(paused=paused, resting=rests_s)
        if taken is None:
            self._resume_after(SEARCH_PAUSE_S if self._lanes.searching else pause_s)
            self._resume_after(POSTPONED_S if self._lanes.blocked else 0.0)
            self._resume_after(min(rests_s.values(), default=0.0))
        return taken

    def prepare(self, taken: Taken) -> bool:
        """Make a record ready to leave, or put it aside; tell whether what it needs could be read now."""
        try:
            self._prepare(taken)
        except OSError:
            return False
        return True

    def _prepare(self, taken: Taken) -> None:
        if self._suspicion.condemned(taken.record):
            self._put_aside(taken, text("the platform hangs up whenever it is sent this record"))
            return
        try:
            parcel, before = self._packer.pack(taken)
        except RecordError as error:
            self._put_aside(taken, text("the record cannot be read: {error}", error=str(error)))
            return
        self._ready.append(chain(before, (parcel,)))
        if not taken.replay:
            self._refusals.sent(taken.record.stream)
        if self._repeat is not None:
            self._repeat.note(taken.record)
        if taken.paced:
            self._pace.spend(len(parcel.message.payload))
            self._room.enter()

    def _prepared(self) -> Parcel | None:
        while self._ready:
            parcel = next(self._ready[0], None)
            if parcel is not None:
                return parcel
            self._ready.popleft()
        return None

    def answered(self, taken: Taken, took_s: float) -> None:
        """Note how long the platform's answer took."""
        if taken.paced:
            self._room.leave(took_s)
            self._more()

    def close(self) -> None:
        """Wake nobody any more."""
        if self._resume is not None:
            self._resume.cancel()

    def _is_wanted(self, record: Record) -> bool:
        """Tell whether a record is to be sent again: none that was refused, that would be in vain."""
        return self._repeat is not None and not self._refusals.knows(record) and self._repeat.wanted(record)

    def _resume_after(self, pause_s: float) -> None:
        """Have it looked again when something may go on; the soonest such time counts."""
        if not 0.0 < pause_s < math.inf:
            return
        if self._resume is not None and self._resume.when() <= self._loop.time() + pause_s:
            return
        self.close()
        self._resume = self._loop.call_later(pause_s, self._on_resume)

    def _on_resume(self) -> None:
        self._resume = None
        self._more()
