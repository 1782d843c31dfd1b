"""The event loop's way into the log: numbers records, begins segments, drops what finds no room."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from buffer.books import Books
from buffer.channel import Channel, Rotation
from buffer.frame import AFTER_DROPPED, HEADER_BYTES, Entry
from buffer.index import Segment
from buffer.preambles import Preambles
from buffer.record import MAX_BODY_BYTES, MAX_UNNUMBERED_BYTES, UNNUMBERED
from buffer.segment import Opening, segment_name
from config.vocabulary import LossCause, RecordKind, Stream

Preamble = Callable[[Stream], Sequence[tuple[RecordKind, bytes]]]
"""Gives what a segment must begin with; called inside `append`, in the event loop, between two records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who writes: the directory's id, the run, how many starts there were, the boot, the uplinks."""

    log: int
    run: int
    start: int
    boot_id: str
    uplinks: tuple[str, ...]


class Intake:
    """Gives records their numbers and puts them before the writer. Never blocks."""

    def __init__(
        self,
        *,
        directory: Path,
        identity: Identity,
        channels: Mapping[Stream, Channel],
        books: Books,
        preambles: Preambles,
        preamble: Preamble,
    ) -> None:
        self._directory = directory
        self._identity = identity
        self._channels = channels
        self._books = books
        self._preambles = preambles
        self._preamble = preamble

    def accept(
        self,
        channel: Channel,
        kind: RecordKind,
        body: bytes,
        first_boot_ns: int,
        last_boot_ns: int,
        count: int,
        cause: LossCause,
    ) -> int | None:
        """Queue a record and return its number; 0 for an unnumbered one; None where there was no room.

        `cause`: why there would be none. Raises ValueError for a body over the limit.
        """
        if kind in UNNUMBERED:
            self._unnumbered(channel, kind, body, last_boot_ns)
            return 0
        if len(body) > MAX_BODY_BYTES:
            raise ValueError(f"a {kind.name} body of {len(body)} bytes is over {MAX_BODY_BYTES}")
        size = len(body) + HEADER_BYTES
        if channel.given_bytes - channel.taken_bytes + size > channel.limit_bytes:
            self.drop(channel, count, cause)
            return None
        if self._books.owed:
            self.record_losses()
        self._queue(channel, kind, body, first_boot_ns, last_boot_ns, count)
        return channel.seq

    def drop(self, channel: Channel, count: int, cause: LossCause) -> None:
        """Spend a number on a record of so many readings that is not queued, and owe it a LOSS record."""
        channel.seq += 1
        channel.readings += count
        self._books.drop(channel.stream, channel.seq, count, cause)

    def rotate(self, channel: Channel) -> None:
        """Begin a new segment behind what is queued."""
        index = self._books.indexes[channel.stream]
        before = self._books.before_run[channel.stream]
        opening = Opening(
            log=self._identity.log,
            run=self._identity.run,
            start=self._identity.start,
            boot_id=self._identity.boot_id,
            stream=channel.stream,
            number=index.newest + 1,
            seq_before=channel.queued_seq,
            readings_before=channel.queued_readings,
            records_before_run=before.records,
            readings_before_run=before.readings,
            created_utc_ns=time.time_ns(),
            uplinks=self._identity.uplinks,
        )
        path = self._directory / segment_name(channel.stream, opening.number)
        index.add(Segment(opening=opening, path=path))
        preamble = tuple(
            self._unnumbered_item(channel, kind, body, _boot_ns())
            for kind, body in self._preamble(channel.stream)
        )
        channel.rotation_due = False
        channel.begun = True
        channel.queue.append(Rotation(opening=opening, preamble=preamble))

    def record_losses(self) -> None:
        """Give every owed loss its LOSS record, once there is a segment to put it in."""
        channel = self._channels[Stream.EVENTS]
        if not channel.begun:
            return
        now = _boot_ns()
        for loss in self._books.take_owed():
            self._queue(channel, RecordKind.LOSS, loss.body(), now, now, 0)

    def restate(self) -> None:
        """Put STATE as it is now at the end of every segment in hand."""
        now = _boot_ns()
        for channel in self._channels.values():
            if channel.begun:
                states = [item for item in self._preamble(channel.stream) if item[0] is RecordKind.STATE]
                for kind, body in states:
                    self._unnumbered(channel, kind, body, now)

    def _queue(
        self, channel: Channel, kind: RecordKind, body: bytes, first_ns: int, last_ns: int, count: int
    ) -> None:
        flags = AFTER_DROPPED if channel.queued_seq < channel.seq else 0
        body = bytes(memoryview(body))  # counted is its length; what orjson 3.13 made holds 4 KiB at least
        channel.seq += 1
        item = Entry(kind, body, channel.seq, channel.readings, first_ns, last_ns, count, flags)
        channel.readings += count
        channel.queued_seq = channel.seq
        channel.queued_readings = channel.readings
        channel.given_bytes += len(body) + HEADER_BYTES
        channel.queue.append(item)

    def _unnumbered(self, channel: Channel, kind: RecordKind, body: bytes, boot_ns: int) -> None:
        channel.given_bytes += len(body) + HEADER_BYTES
        channel.queue.append(self._unnumbered_item(channel, kind, body, boot_ns))

    def _unnumbered_item(self, channel: Channel, kind: RecordKind, body: bytes, boot_ns: int) -> Entry:
        if len(body) > MAX_UNNUMBERED_BYTES:
            raise ValueError(f"a {kind.name} body of {len(body)} bytes is over {MAX_UNNUMBERED_BYTES}")
        self._preambles.note(channel.stream, kind, body)
        return Entry(kind, body, channel.queued_seq, channel.queued_readings, boot_ns, boot_ns)


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
