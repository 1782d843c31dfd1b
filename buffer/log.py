"""The log: give it records, read back what is stored, say what was acknowledged (`FORMAT.md`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final, Literal

from buffer.account import Account
from buffer.asides import Asides
from buffer.assembly import Order, Parts, assemble
from buffer.channel import Channel, Place, Tail
from buffer.disk import Disk
from buffer.index import Segment
from buffer.inspect import newest_record
from buffer.intake import Identity, Preamble
from buffer.ledger import Ledger
from buffer.lock import Lock, usable
from buffer.preambles import Bodies
from buffer.quarantine import Quarantined
from buffer.reader import Bound, Reader
from buffer.record import Record
from buffer.recover import Recovery, recover
from buffer.segment import Hole
from buffer.settled import Count, Fate, Settled
from buffer.stock import take_stock
from buffer.writer import Task
from config.models import LogSettings
from config.vocabulary import LossCause, RecordKind, Stream

Start = Literal["oldest_unacknowledged", "now"]
_CLOSE_TIMEOUT_S: Final = 5.0
_WAIT_S: Final = 0.01


class Log:
    """The store-and-forward log of one directory. All methods belong to the event loop's thread.

    `recovery`: what opening found. `asides`: what lies in quarantine.
    """

    def __init__(self, lock: Lock, recovery: Recovery, parts: Parts) -> None:
        """Use `open`."""
        self.recovery = recovery
        self._lock = lock
        self._parts = parts
        self._books = parts.books
        self._channels = parts.channels
        self._intake = parts.intake
        self._writer = parts.writer
        self._upkeep = parts.upkeep
        self.asides = Asides(parts.quarantine, parts.books, parts.upkeep)
        self._writer.start()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        run: int,
        boot_id: str,
        settings: LogSettings,
        uplinks: Mapping[str, bool],
        preamble: Preamble,
        on_stored: Callable[[], None],
        disk: Disk | None = None,
        oldest: Collection[str] = (),
        starts_before: int = 0,
    ) -> Log:
        """Open a directory, recover what an earlier run left, and start the writer thread.

        `uplinks`: name -> required. `preamble`: called inside `append` wherever a segment begins, never
        before the first `append`. `on_stored`: called from the writer thread after each sync, when it wants
        room, and when `failure` is set. `oldest`: uplinks that begin, where they are new, with the oldest
        segment instead of now. `starts_before`: how often an agent has started on another log that this one
        stands in for. Raises AlreadyRunning, DirectoryUnusable, NewerFormat.
        """
        disk = disk or Disk()
        with Lock(directory) as lock, usable(directory):
            recovered = recover(
                disk, directory, run=run, uplinks=uplinks, oldest=oldest, starts_before=starts_before
            )
            order = Order(
                directory=directory,
                disk=disk,
                identity=Identity(
                    log=recovered.log,
                    run=run,
                    start=recovered.recovery.start,
                    boot_id=boot_id,
                    uplinks=tuple(uplinks),
                ),
                settings=settings,
                required=uplinks,
                preamble=preamble,
                on_stored=on_stored,
            )
            parts = assemble(order, recovered)
            lock.keep()
        return cls(lock, recovered.recovery, parts)

    @property
    def failure(self) -> Exception | None:
        """Why nothing is stored any more; None while the log works. The agent ends the process."""
        return self._writer.failure

    @property
    def waits_for(self) -> str | None:
        """What of the system has run out (descriptors, memory), so that something waits to be stored."""
        return self._writer.waits_for

    def append(
        self,
        stream: Stream,
        kind: RecordKind,
        body: bytes,
        *,
        first_boot_ns: int,
        last_boot_ns: int,
        count: int = 0,
        urgent: bool = False,
    ) -> int | None:
        """Queue a record; return its number, or None where there was no room and it was dropped.

        Numbers go 1, 2, ... per run and stream; a dropped record's number is spent, and a LOSS record tells.
        TAGS, ANCHOR and STATE have none: 0 is returned. `count`: readings in a DATA body. `urgent`: commit at
        once. Raises ValueError for a body over the limit of its kind.
        """
        self._upkeep.run()
        channel = self._channels[stream]
        if channel.rotation_due:
            self._rotate(channel)
        seq = self._intake.accept(channel, kind, body, first_boot_ns, last_boot_ns, count, self._full_cause())
        if urgent:
            self._writer.wake()
        return seq

    def has_room(self, stream: Stream) -> bool:
        """Tell whether less than half of what may wait to be stored does, so that who can wait may go on."""
        channel = self._channels[stream]
        return 2 * channel.pending_bytes < channel.limit_bytes

    def forgo(self, stream: Stream) -> None:
        """Number a record that could not be made in time, as one that was dropped: a LOSS record tells."""
        self._intake.drop(self._channels[stream], 0, self._full_cause())

    def _full_cause(self) -> LossCause:
        return LossCause.DISK_FULL if self._writer.full else LossCause.PRESSURE

    def stored_seq(self, stream: Stream) -> int:
        """Return the last number of this run that is stored; 0 where none is."""
        return self._channels[stream].tail.seq

    def sync(self, timeout_s: float) -> None:
        """Store everything that is queued; blocks. Raises TimeoutError, or `failure` where there is one."""
        if not self._drain(timeout_s):
            raise self.failure or TimeoutError

    def reader(self, uplink: str, stream: Stream, *, start: Start, until: Bound | None = None) -> Reader:
        """Return a new reader for an uplink; any number may read at the same time.

        `until`: another reader's `origin`; this one ends there.
        """
        account = self._books.accounts[uplink][stream]
        tail = self._tail(stream)
        oldest = Bound(Place(account.settled.floor + 1, 0))
        return Reader(
            stream=stream,
            index=self._books.indexes[stream],
            account=account,
            tail=partial(self._tail, stream),
            on_missing=self._missing,
            start=Bound(tail.end, tail.seq, tail.readings) if start == "now" else oldest,
            until=until,
        )

    def history(self, stream: Stream, *, since_utc_ns: int, until: Bound) -> Reader:
        """Return a reader of all that is stored, settled or not, from then on until a reader's `origin`.

        Begins with the segment that was in hand then, by the clock of that time, so with older records too.
        """
        index = self._books.indexes[stream]
        newer = (found for found in index.segments if found.opening.created_utc_ns >= since_utc_ns)
        first = next(newer, None)
        floor = (index.newest if first is None else first.opening.number - 1) - 1
        return Reader(
            stream=stream,
            index=index,
            account=Account(Settled(floor=max(0, floor))),
            tail=partial(self._tail, stream),
            on_missing=self._missing,
            start=Bound(Place(max(0, floor) + 1, 0)),
            until=until,
        )

    def acknowledge(
        self, uplink: str, stream: Stream, run: int, first: int, last: int, readings: int
    ) -> None:
        """Note that an uplink's platform has `first`..`last`, in which `readings` readings were sent.

        Numbers that are not stored, or settled already, do not count; but for those sent again.
        """
        self.asides.acknowledge(uplink, stream, run, first, last)
        self._upkeep.settle(uplink, stream, run, first, last, Fate.DELIVERED, readings)
        self._upkeep.run()

    def quarantine(self, uplink: str, record: Record, why: str) -> None:
        """Have a record copied to the quarantine and synced; only then is it settled for the uplink.

        Once the quarantine has its share of the cap, further records are lost instead (`cap`). A record that
        was sent again from there stays where it is, and one that is settled already stays what it is.
        """
        if not self.asides.take(uplink, record.stream, record.run, record.seq, record.seq):
            self._upkeep.attempt(partial(self._put_aside, uplink, record, why))

    def _put_aside(self, uplink: str, record: Record, why: str) -> None:
        quarantine = self._parts.quarantine
        segment = self._books.awaited(uplink, record)
        if segment is None:
            return
        if quarantine.bytes >= self._parts.limits.quarantine:
            self._upkeep.give_up(uplink, record)
            return
        item = Quarantined(
            uplink=uplink,
            record=record,
            why=why,
            opening=segment.opening,
            preamble=self.preamble_of(record),
        )
        self._writer.tasks.append(partial(quarantine.put, item, self._writer.news))

    def forget(self, uplink: str) -> None:
        """Close an uplink that is described no more, once everything appended before is stored."""
        self._writer.once_stored.append(partial(self._parts.close_uplink, uplink))

    def inherit_losses(self, missing: Mapping[tuple[str, Stream], Count], then: Task) -> None:
        """Account for records that another log held for uplinks and that go with it.

        `then`: run in the writer thread once LOSS records and cursors that say so are stored.
        """
        for (uplink, stream), count in missing.items():
            self._books.lose_unnamed(uplink, stream, count)
        self._upkeep.once_saved.append(then)

    def newest(self, stream: Stream, run: int, kind: RecordKind) -> Record | None:
        """Return the last whole record of a kind in a run's finished segments; None where there is none."""
        found = (newest_record(segment, kind) for segment in self._books.indexes[stream].newest_first(run))
        return next((record for record in found if record is not None), None)

    def preamble_of(self, record: Record) -> Bodies:
        """Return the TAGS of a record's run and the newest ANCHOR of its boot, where they can be had.

        Raises OSError where descriptors or memory have run out.
        """
        aside = self.asides.find(record)
        if aside is not None and aside.preamble:
            return aside.preamble
        return self._parts.preambles.of(record)

    def ledger(self) -> Ledger:
        """Return the log as it stands."""
        self._upkeep.run()
        return take_stock(self._parts)

    def close(self) -> None:
        """Store everything and a last STATE, mark a clean stop, save the cursors, free the directory.

        What a full disk has no room for is not stored; nothing is raised.
        """
        if self.failure is None:
            if self._books.owed:
                self._begin_events()
            self._intake.restate()
            self._drain(_CLOSE_TIMEOUT_S)
            self._upkeep.save_cursors()
            if not self._writer.finish(_CLOSE_TIMEOUT_S):
                return  # the disk hangs: the lock stays as long as the process
        self._upkeep.run()
        self._lock.release()

    def _rotate(self, channel: Channel) -> None:
        self._begin_events()
        if channel.rotation_due:
            self._intake.rotate(channel)
        self._upkeep.keep_cap()

    def _begin_events(self) -> None:
        """Have a place for LOSS records before anything is deleted."""
        events = self._channels[Stream.EVENTS]
        if not events.begun:
            self._intake.rotate(events)

    def _tail(self, stream: Stream) -> Tail:
        """Return how far a stream is stored; the index knows every segment up to there."""
        tail = self._channels[stream].tail
        self._upkeep.run()
        return tail

    def _missing(self, segment: Segment, hole: Hole) -> None:
        self._books.lose(segment, hole)
        self._intake.record_losses()
        self._upkeep.dirty = True

    def _drain(self, timeout_s: float) -> bool:
        """Commit until nothing waits; blocks. Tell whether that came about in time."""
        due_s = time.monotonic() + timeout_s
        stored = False
        while not stored and self.failure is None and time.monotonic() < due_s:
            committed = Event()
            self._writer.tasks.append(committed.set)
            self._writer.wake()
            committed.wait(_WAIT_S)
            self._upkeep.run()
            stored = committed.is_set() and not any(
                channel.pending_bytes for channel in self._channels.values()
            )
        return stored
