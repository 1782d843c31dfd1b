"""The log: give it records, read back what is stored, say what was acknowledged (`FORMAT.md`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Event
from typing import Literal

from buffer.ballast import Ballast
from buffer.channel import Channel, Place, Tail
from buffer.disk import Disk
from buffer.index import Segment
from buffer.intake import Identity, Intake, Preamble
from buffer.ledger import Ledger
from buffer.limits import Limits
from buffer.lock import Lock
from buffer.preambles import Bodies, Preambles
from buffer.quarantine import Quarantine, Quarantined
from buffer.reader import Bound, Reader
from buffer.record import Record
from buffer.recover import Recovered, recover
from buffer.segment import Hole
from buffer.settled import Count, Fate
from buffer.upkeep import Upkeep
from buffer.writer import Outlet, Writer
from config.models import LogSettings
from config.vocabulary import LossCause, RecordKind, Stream

Start = Literal["oldest_unacknowledged", "now"]
_CLOSE_TIMEOUT_S = 10.0


class Log:
    """The store-and-forward log of one directory. All methods belong to the event loop's thread.

    `recovery`: what opening found. `failure`: set once the disk failed in a way that must not be retried;
    nothing is stored from then on, and the agent ends the process.
    """

    def __init__(
        self,
        *,
        directory: Path,
        lock: Lock,
        disk: Disk,
        recovered: Recovered,
        run: int,
        boot_id: str,
        settings: LogSettings,
        uplinks: Mapping[str, bool],
        preamble: Preamble,
        on_stored: Callable[[], None],
    ) -> None:
        """Use `open`."""
        limits = Limits.of(settings)
        self.recovery = recovered.recovery
        self._directory = directory
        self._lock = lock
        self._limits = limits
        self._books = books = recovered.books
        self._channels = {
            stream: Channel(
                stream, limits.pending[stream], Tail(end=Place(books.indexes[stream].newest + 1, 0))
            )
            for stream in Stream
        }
        self._preambles = Preambles(books.indexes, run, boot_id)
        self._quarantine = Quarantine(disk, directory / "quarantine")
        self._intake = Intake(
            directory=directory,
            identity=Identity(
                log=recovered.log,
                run=run,
                start=recovered.recovery.start,
                boot_id=boot_id,
                uplinks=tuple(uplinks),
            ),
            channels=self._channels,
            books=books,
            preambles=self._preambles,
            preamble=preamble,
        )
        self._upkeep = Upkeep(
            disk=disk,
            books=books,
            channels=self._channels,
            cursors=recovered.cursors,
            required=uplinks,
            limits=limits,
            at_least_ns=settings.at_least,
            quarantine=self._quarantine,
            intake=self._intake,
        )
        ballast = Ballast(disk, directory / "ballast", limits.ballast)
        ballast.restore()
        self._writer = Writer(
            disk=disk,
            directory=directory,
            outlets={
                stream: Outlet(channel, run, limits.recent[stream])
                for stream, channel in self._channels.items()
            },
            ballast=ballast,
            commit_interval_s=settings.commit_interval / 1e9,
            segment_bytes=limits.segment,
            on_stored=on_stored,
            on_full=lambda: self._upkeep.make_room(self._writer),
            on_sealed=self._upkeep.sealed,
        )
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
    ) -> Log:
        """Open a directory, recover what an earlier run left, and start the writer thread.

        `uplinks`: name -> required. `preamble`: called inside `append` wherever a segment begins, never
        before the first `append`. `on_stored`: called from the writer thread after each sync, and when
        `failure` is set. Raises AlreadyRunning, DirectoryUnusable, NewerFormat.
        """
        disk = disk or Disk()
        lock = Lock(directory)
        recovered = recover(disk, directory, run=run, uplinks=uplinks)
        return cls(
            directory=directory,
            lock=lock,
            disk=disk,
            recovered=recovered,
            run=run,
            boot_id=boot_id,
            settings=settings,
            uplinks=uplinks,
            preamble=preamble,
            on_stored=on_stored,
        )

    @property
    def failure(self) -> Exception | None:
        """Why nothing is stored any more, None while the log works."""
        return self._writer.failure

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
        writer, channel = self._writer, self._channels[stream]
        if writer.completions or self._upkeep.dirty:
            self._upkeep.run(writer)
        if channel.rotation_due:
            self._rotate(channel)
        refused = LossCause.DISK_FULL if writer.failure is not None else None
        seq = self._intake.accept(channel, kind, body, first_boot_ns, last_boot_ns, count, refused)
        if urgent:
            writer.wake()
        return seq

    def stored_seq(self, stream: Stream) -> int:
        """Return the last number of this run that is stored; 0 where none is."""
        return self._channels[stream].tail.seq

    def sync(self, timeout_s: float) -> None:
        """Store everything that is queued; blocks. Raises TimeoutError, or `failure` where there is one."""
        due = time.monotonic() + timeout_s
        while True:
            done = Event()
            self._writer.tasks.append(done.set)
            self._writer.wake()
            while not done.wait(0.01):
                self._check(due)
            self._upkeep.run(self._writer)
            if not any(channel.pending_bytes for channel in self._channels.values()):
                return
            self._check(due)

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

    def acknowledge(
        self, uplink: str, stream: Stream, run: int, first: int, last: int, readings: int
    ) -> None:
        """Note that an uplink's platform has `first`..`last`, in which `readings` readings were sent.

        Numbers that are not stored, or settled already, do not count.
        """
        self._settle(uplink, stream, run, first, last, Fate.DELIVERED, readings)

    def quarantine(self, uplink: str, record: Record, why: str) -> None:
        """Have a record copied to the quarantine and synced; only then is it settled for the uplink."""
        segment = self._books.indexes[record.stream].find(record.run, record.seq)
        if segment is None:
            return
        item = Quarantined(
            uplink=uplink,
            record=record,
            why=why,
            opening=segment.opening,
            preamble=self.preamble_of(record),
        )
        self._writer.tasks.append(partial(self._put_aside, item))

    def preamble_of(self, record: Record) -> Bodies:
        """Return the TAGS of a record's run and the newest ANCHOR of its boot, where they can be had."""
        return self._preambles.of(record)

    def ledger(self) -> Ledger:
        """Return the log as it stands."""
        self._upkeep.run(self._writer)
        books, channels = self._books, self._channels
        segments = [segment for index in books.indexes.values() for segment in index.segments]
        return Ledger(
            balances={
                uplink: {stream: books.balance(uplink, channels[stream]) for stream in Stream}
                for uplink in books.accounts
            },
            recorded={stream: Count(channel.seq, channel.readings) for stream, channel in channels.items()},
            disk_bytes=self._disk_bytes(segments),
            cap_bytes=self._limits.cap,
            segments=len(segments),
            oldest_age_s=_oldest_age_s(segments),
            at_least_missed=self._upkeep.at_least_missed,
            pending_bytes=sum(channel.pending_bytes for channel in channels.values()),
            last_sync_s=self._writer.last_sync_s,
            full=self._writer.full,
        )

    def close(self) -> None:
        """Store everything and a last preamble, mark a clean stop, save the cursors, free the directory."""
        writer = self._writer
        if writer.failure is None:
            self._upkeep.run(writer)
            self._intake.restate()
            self._upkeep.save_cursors(writer)
            writer.finish(_CLOSE_TIMEOUT_S)
        self._lock.release()

    def _rotate(self, channel: Channel) -> None:
        self._intake.rotate(channel)
        self._upkeep.keep_cap(self._writer)

    def _tail(self, stream: Stream) -> Tail:
        """Return how far a stream is stored; the index knows every segment up to there."""
        tail = self._channels[stream].tail
        self._upkeep.run(self._writer)
        return tail

    def _missing(self, segment: Segment, hole: Hole) -> None:
        self._books.lose(segment, hole)
        self._intake.record_losses()
        self._upkeep.dirty = True

    def _settle(
        self, uplink: str, stream: Stream, run: int, first: int, last: int, fate: Fate, readings: int
    ) -> None:
        self._books.settle(uplink, self._channels[stream], run, first, last, fate, readings)
        self._upkeep.dirty = True
        self._upkeep.run(self._writer)

    def _put_aside(self, item: Quarantined) -> None:
        """Store one quarantined record; writer thread."""
        self._quarantine.put(item)
        record = item.record
        self._writer.completions.append(
            partial(
                self._settle,
                item.uplink,
                record.stream,
                record.run,
                record.seq,
                record.seq,
                Fate.QUARANTINED,
                record.count,
            )
        )

    def _disk_bytes(self, segments: list[Segment]) -> int:
        ends = {stream: channel.tail.end for stream, channel in self._channels.items()}
        in_hand = sum(
            end.offset
            for stream, end in ends.items()
            if (segment := self._books.indexes[stream].at(end.segment)) and segment.contents is None
        )
        return sum(segment.size_bytes for segment in segments) + in_hand + self._quarantine.bytes

    def _check(self, due: float) -> None:
        self._upkeep.run(self._writer)
        if self._writer.failure is not None:
            raise self._writer.failure
        if time.monotonic() >= due:
            raise TimeoutError


def _oldest_age_s(segments: list[Segment]) -> float | None:
    if not segments:
        return None
    oldest_ns = min(segment.opening.created_utc_ns for segment in segments)
    return max(0, time.time_ns() - oldest_ns) / 1e9
