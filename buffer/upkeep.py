"""What the event loop does for the log beside records: takes the writer's news, saves cursors, makes room."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from buffer.aside import Aside
from buffer.books import Books
from buffer.channel import Channel
from buffer.cursor import MAX_RELEASED, CursorFile, encode
from buffer.disk import not_now
from buffer.index import Index, Segment
from buffer.intake import Intake
from buffer.limits import Limits
from buffer.news import News, PutAside, Removed, Sealed, TakenOut
from buffer.quarantine import Quarantine
from buffer.record import Record
from buffer.room import next_victim
from buffer.settled import Fate
from buffer.writer import Task, Writer
from config.vocabulary import LossCause, Stream

_CURSOR_INTERVAL_S: Final = 2.0
FULL_GRACE_S: Final = 2.0
"""How long a disk must be full before it costs records that somebody still needs; the queue bridges it."""


class Upkeep:
    """Runs inside calls to the log, in the event loop.

    `dirty`: a cursor has changed since it was saved. `once_saved`: for the writer to do when the cursors are
    saved. `at_least_missed`: the cap has taken segments younger than the settings' `at_least`.

    What has to be looked up in a file waits while descriptors or memory have run out, and is tried again
    whenever the log is called.
    """

    def __init__(
        self,
        *,
        books: Books,
        channels: Mapping[Stream, Channel],
        cursors: Mapping[str, CursorFile],
        required: Mapping[str, bool],
        limits: Limits,
        at_least_ns: int,
        quarantine: Quarantine,
        intake: Intake,
        writer: Writer,
    ) -> None:
        self.dirty = True
        self.at_least_missed = False
        self.once_saved: list[Task] = []
        self._books = books
        self._channels = channels
        self._cursors = cursors
        self._required = required
        self._limits = limits
        self._at_least_ns = at_least_ns
        self._quarantine = quarantine
        self._intake = intake
        self._writer = writer
        self._removing = 0
        self._postponed: deque[Task] = deque()
        self._cap_owed = False
        self._saved_s = time.monotonic()
        self._full_since_s: float | None = None

    def run(self) -> None:
        """Take the writer's news, make room where it asks for it, save cursors when it is time."""
        for _ in range(len(self._postponed)):
            self.attempt(self._postponed.popleft())
        writer = self._writer
        sealed = False
        while writer.news:
            news = writer.news.popleft()
            self._take(news)
            sealed |= isinstance(news, Sealed)
        if (sealed or self._cap_owed) and not writer.finished:
            self.keep_cap()
        if not writer.room_wanted:
            self._full_since_s = None
        elif not self._removing:
            self._make_room()
        if self.dirty and not writer.once_stored and time.monotonic() - self._saved_s >= _CURSOR_INTERVAL_S:
            self.save_cursors()

    def attempt(self, task: Task) -> None:
        """Do what changes an account and may have to read a file; later, where that is not possible now."""
        try:
            task()
        except OSError as error:
            if not not_now(error):
                raise
            self._postponed.append(task)
        else:
            self.dirty = True

    def save_cursors(self, *, copies: int = 1) -> None:
        """Have every cursor written as it stands now, after the LOSS records that belong to it."""
        self._intake.record_losses()
        if self._books.owed:
            return
        self._books.advance()
        for uplink, cursor in self._cursors.items():
            body = encode(self._books.positions(uplink, self._channels), self._books.indexes)
            self._writer.once_stored.append(partial(cursor.write, body, copies=copies))
        self._writer.once_stored.extend(self.once_saved)
        self.once_saved.clear()
        self.dirty = False
        self._saved_s = time.monotonic()

    def keep_cap(self) -> None:
        """Delete segments until the finished ones leave room for those in hand; events by their own cap."""
        self._cap_owed = False
        limits, events = self._limits, self._books.indexes[Stream.EVENTS]
        most_events = limits.events_cap - limits.segment[Stream.EVENTS]
        victims = [
            *self._remove(lambda: self._finished_bytes(events) > most_events, (Stream.EVENTS,)),
            *self._remove(lambda: self._kept_bytes() + limits.reserve > limits.cap, Stream),
        ]
        self._delete(victims)

    def _remove(self, too_much: Callable[[], bool], streams: Iterable[Stream]) -> Iterator[Segment]:
        """Yield segments taken out of the books for as long as there is too much."""
        while too_much():
            victim = next_victim(self._books, self._required, streams)
            if victim is None:
                return
            if not self._take_out(victim, LossCause.CAP):
                self._cap_owed = True
                return
            age_ns = time.time_ns() - victim.opening.created_utc_ns
            self.at_least_missed |= age_ns < self._at_least_ns
            yield victim

    def _take_out(self, victim: Segment, cause: LossCause) -> bool:
        """Take a segment out of the books; tell whether what goes with it could be counted now."""
        try:
            self._books.remove(victim, cause)
        except OSError as error:
            if not not_now(error):
                raise
            return False
        return True

    def settle(
        self, uplink: str, stream: Stream, run: int, first: int, last: int, fate: Fate, readings: int
    ) -> None:
        """Settle numbers for an uplink; its cursor is saved when it is time."""
        channel = self._channels[stream]
        self.attempt(partial(self._books.settle, uplink, channel, run, first, last, fate, readings))

    def give_up(self, uplink: str, record: Record) -> None:
        """Count a record as lost for an uplink that cannot have it, and the quarantine is full."""
        self._books.give_up(uplink, record, LossCause.CAP)
        self._intake.record_losses()
        self.dirty = True

    def release(self, aside: Aside, fate: Fate) -> None:
        """Take a record out of quarantine once, by another fate; its file goes once that is stored."""
        if self._books.is_released(aside.uplink, aside.record):
            return
        self._books.release(aside.uplink, aside.record, fate)
        self.once_saved.append(partial(self._quarantine.remove, aside, self._writer.news))
        self._intake.record_losses()
        self.dirty = True
        if len(self.once_saved) >= MAX_RELEASED:
            self.save_cursors()

    def _take(self, news: News) -> None:
        match news:
            case Sealed(opening=opening, contents=contents, size_bytes=size_bytes):
                self._books.indexes[opening.stream].seal(opening.number, contents, size_bytes)
            case Removed():
                self._removing -= 1
            case TakenOut(uplink=uplink, record=record):
                self._books.forget_released(uplink, record)
            case PutAside(uplink=uplink, record=record):
                seq = record.seq
                self.settle(uplink, record.stream, record.run, seq, seq, Fate.QUARANTINED, record.count)

    def _make_room(self) -> None:
        """Delete one segment; what somebody still needs only once the disk has been full for a while."""
        now_s = time.monotonic()
        self._full_since_s = self._full_since_s or now_s
        victim = next_victim(self._books, self._required)
        if victim is None or not self._channels[Stream.EVENTS].begun:
            return
        due = now_s - self._full_since_s >= FULL_GRACE_S or not self._books.needed(victim)
        if due and self._take_out(victim, LossCause.DISK_FULL):
            self._delete([victim])
            self._writer.wake()

    def _kept_bytes(self) -> int:
        segments = sum(self._finished_bytes(index) for index in self._books.indexes.values())
        return segments + self._quarantine.bytes

    def _finished_bytes(self, index: Index) -> int:
        """Return the size of all segments but the one in hand; those that wait for their seal are full."""
        ended = max(0, index.in_hand() - 1)
        return index.sealed_bytes() + ended * self._limits.segment[index.stream]

    def _delete(self, segments: Sequence[Segment]) -> None:
        """Delete files that the books have no more, after LOSS records and cursors that say so.

        Where there is no room even for those, the files go first, and make it.
        """
        if segments:
            self.save_cursors(copies=2)
        for segment in segments:
            self._writer.tasks.append(partial(self._writer.remove, segment.path))
            self._removing += 1
