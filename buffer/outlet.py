"""One stream's end in the writer thread: takes what was queued, stores it, lets readers see it."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Final

from buffer.channel import Channel, Place, Rotation, Stored, Tail
from buffer.disk import Disk
from buffer.frame import HEADER_BYTES, Encoder, Entry
from buffer.news import News, Sealed
from buffer.recent import Recent
from buffer.record import UNNUMBERED, Record
from buffer.segment_writer import SegmentWriter
from config.vocabulary import RecordKind

_AT_ONCE_BYTES: Final = 1 << 20
"""Bodies per write and sync: after a stall, or on a disk with little room, a long queue goes in steps."""


class Outlet:
    """What one stream holds in the writer thread."""

    def __init__(
        self,
        *,
        disk: Disk,
        directory: Path,
        channel: Channel,
        news: deque[News],
        run: int,
        recent_bytes: int,
        segment_bytes: int,
    ) -> None:
        self.last_sync_s = 0.0
        self._disk = disk
        self._directory = directory
        self._channel = channel
        self._news = news
        self._run = run
        self._segment_bytes = segment_bytes
        self._encoder = Encoder(run, channel.stream)
        self._recent = Recent(recent_bytes)
        self._held: deque[Entry | Rotation] = deque()
        self._segment: SegmentWriter | None = None

    @property
    def holding(self) -> bool:
        """Whether there is something to store."""
        return bool(self._held)

    def take(self) -> None:
        """Take over what the event loop has queued."""
        queue = self._channel.queue
        while queue:
            self._held.append(queue.popleft())

    def store(self) -> None:
        """Store everything held. Raises OSError, and keeps what is not stored yet; or SyncFailed."""
        while self._held:
            first = self._held[0]
            if isinstance(first, Rotation):
                self._rotate(first)
                self._held.popleft()
            else:
                self._append(self._entries())

    def seal(self, *, clean: bool = False) -> None:
        """Finish the segment in hand, if there is one; it is clean only if nothing is left out of it.

        Raises OSError, SyncFailed.
        """
        segment = self._segment
        if segment is not None:
            segment.seal(clean=clean and not self._held)
            self._segment = None
            self._news.append(
                Sealed(opening=segment.opening, contents=segment.contents, size_bytes=segment.end)
            )

    def refuse(self) -> None:
        """Take nothing more: whatever is appended from now on finds no room."""
        self._channel.limit_bytes = 0

    def _rotate(self, rotation: Rotation) -> None:
        self.seal()
        self._segment = SegmentWriter(self._disk, self._directory, rotation, self._encoder)

    def _entries(self) -> list[Entry]:
        """Return what is held for the segment in hand, as much as is written at once."""
        found: list[Entry] = []
        left_bytes = _AT_ONCE_BYTES
        for item in self._held:
            if isinstance(item, Rotation) or left_bytes <= 0:
                break
            found.append(item)
            left_bytes -= len(item.body)
        return found

    def _append(self, entries: list[Entry]) -> None:
        segment = self._segment
        assert segment is not None, "a Rotation comes before the first record"
        places = segment.append(entries)
        began_s = time.monotonic()
        segment.sync()
        self.last_sync_s = time.monotonic() - began_s
        self._publish(entries, places, segment)
        for _ in entries:
            self._held.popleft()
        if segment.end >= self._segment_bytes and not segment.full:
            segment.full = self._channel.rotation_due = True

    def _publish(self, entries: list[Entry], places: list[Place], segment: SegmentWriter) -> None:
        """Let readers see records that are stored now."""
        end = Place(segment.opening.number, segment.end)
        ends = [*places[1:], end]
        self._recent.add(
            [
                Stored(self._record(entry), place, following, entry.readings_before)
                for entry, place, following in zip(entries, places, ends, strict=True)
                if entry.kind not in UNNUMBERED
            ]
        )
        contents, channel = segment.contents, self._channel
        channel.tail = Tail(
            end=end, seq=contents.last, readings=contents.next_readings, recent=self._recent.records
        )
        channel.taken_bytes += sum(len(entry.body) + HEADER_BYTES for entry in entries)

    def _record(self, entry: Entry) -> Record:
        return Record(
            run=self._run,
            stream=self._channel.stream,
            seq=entry.seq,
            kind=RecordKind(entry.kind),
            first_boot_ns=entry.first_boot_ns,
            last_boot_ns=entry.last_boot_ns,
            count=entry.readings,
            body=entry.body,
        )
