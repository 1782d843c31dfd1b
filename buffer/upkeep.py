"""What the event loop does for the log beside records: takes the writer's news, saves cursors, makes room."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from buffer.books import Books
from buffer.channel import Channel
from buffer.cursor import CursorFile, encode
from buffer.disk import Disk
from buffer.index import Segment
from buffer.intake import Intake
from buffer.limits import Limits
from buffer.quarantine import Quarantine
from buffer.room import next_victim
from buffer.segment import Contents, Opening
from buffer.writer import Writer
from config.vocabulary import LossCause, Stream

_CURSOR_INTERVAL_S: Final = 2.0


class Upkeep:
    """Runs inside calls to the log, in the event loop; `dirty`: a cursor has changed since it was saved."""

    def __init__(
        self,
        *,
        disk: Disk,
        books: Books,
        channels: Mapping[Stream, Channel],
        cursors: Mapping[str, CursorFile],
        required: Mapping[str, bool],
        limits: Limits,
        at_least_ns: int,
        quarantine: Quarantine,
        intake: Intake,
    ) -> None:
        self.dirty = True
        self.at_least_missed = False
        self._disk = disk
        self._books = books
        self._channels = channels
        self._cursors = cursors
        self._required = required
        self._limits = limits
        self._at_least_ns = at_least_ns
        self._quarantine = quarantine
        self._intake = intake
        self._saved_s = time.monotonic()

    def run(self, writer: Writer) -> None:
        """Take the writer's news; save cursors when it is time."""
        while writer.completions:
            writer.completions.popleft()()
        if self.dirty and time.monotonic() - self._saved_s >= _CURSOR_INTERVAL_S:
            self.save_cursors(writer)

    def sealed(self, opening: Opening, contents: Contents, size_bytes: int) -> None:
        """Note that the writer has finished a segment."""
        self._books.indexes[opening.stream].seal(opening.number, contents, size_bytes)

    def save_cursors(self, writer: Writer, *, copies: int = 1) -> None:
        """Have every cursor written as it stands now, after the LOSS records that belong to it."""
        if self._books.owed:
            self._intake.record_losses()
        self._books.advance()
        runs = {stream: index.runs() for stream, index in self._books.indexes.items()}
        for uplink, cursor in self._cursors.items():
            body = encode(self._books.positions(uplink, self._channels), runs)
            writer.tasks.append(partial(cursor.write, body, copies=copies))
        self.dirty = False
        self._saved_s = time.monotonic()

    def keep_cap(self, writer: Writer) -> None:
        """Delete segments until the finished ones leave room for those in hand."""
        while self._finished_bytes() + self._limits.reserve > self._limits.cap:
            victim = next_victim(self._books, self._required)
            if victim is None:
                return
            age_ns = time.time_ns() - victim.opening.created_utc_ns
            self.at_least_missed |= age_ns < self._at_least_ns
            self._delete(writer, victim, LossCause.CAP)

    def make_room(self, writer: Writer) -> None:
        """Delete one segment, because the disk is full."""
        victim = next_victim(self._books, self._required)
        if victim is not None:
            self._delete(writer, victim, LossCause.DISK_FULL)

    def _finished_bytes(self) -> int:
        segments = sum(index.sealed_bytes() for index in self._books.indexes.values())
        return segments + self._quarantine.bytes

    def _delete(self, writer: Writer, segment: Segment, cause: LossCause) -> None:
        self._books.remove(segment, cause)
        self.save_cursors(writer, copies=2)
        writer.tasks.append(partial(self._disk.unlink, segment.path))
        writer.wake()
