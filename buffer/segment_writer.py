"""The segment in hand: created, appended to, finished. Belongs to the writer thread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from buffer.channel import Place, Rotation
from buffer.disk import Disk
from buffer.frame import HEADER, SEAL, Encoder, Entry
from buffer.record import UNNUMBERED
from buffer.segment import Contents, prelude, segment_name
from config.vocabulary import LossCause, RecordKind


class SegmentWriter:
    """One segment being written. Nothing in it counts as stored before `sync()` returned."""

    def __init__(self, disk: Disk, directory: Path, rotation: Rotation, encoder: Encoder) -> None:
        """Create the file with prelude, HEADER and preamble, and sync file and directory.

        Raises OSError, with no file left behind, or SyncFailed.
        """
        opening = rotation.opening
        self.opening = opening
        self.contents = Contents(last=opening.seq_before, next_readings=opening.readings_before)
        self.path = directory / segment_name(opening.stream, opening.number)
        self.end = 0
        self.full = False
        self._disk = disk
        self._encoder = encoder
        header = Entry(HEADER, opening.body(), opening.seq_before, opening.readings_before)
        first = prelude() + encoder.frame(header)
        self._descriptor = disk.create(self.path)
        try:
            disk.write(self._descriptor, first, 0)
            self.end = len(first)
            self.append(rotation.preamble)
            self.sync()
            disk.sync_directory(directory)
        except OSError:
            disk.close(self._descriptor)
            disk.unlink(self.path)
            raise

    def append(self, items: Sequence[Entry]) -> list[Place]:
        """Write records at the end, in one piece, and return where each begins.

        Raises OSError; then nothing was appended.
        """
        frames = [self._encoder.frame(item) for item in items]
        try:
            self._disk.write(self._descriptor, b"".join(frames), self.end)
        except OSError:
            with suppress(OSError):  # what was half written is no frame, and takes room
                self._disk.truncate(self._descriptor, self.end)
            raise
        places = []
        for item, frame in zip(items, frames, strict=True):
            places.append(Place(self.opening.number, self.end))
            self._note(item)
            self.end += len(frame)
        return places

    def sync(self) -> None:
        """Return when everything appended survives a power cut. Raises SyncFailed."""
        self._disk.sync(self._descriptor)

    def seal(self, *, clean: bool = False) -> None:
        """Finish the segment: SEAL, sync, close. Raises OSError; then it may be tried again."""
        self.contents.clean = clean
        contents = self.contents
        frame = self._encoder.frame(Entry(SEAL, contents.body(), contents.last, contents.next_readings))
        self._disk.write(self._descriptor, frame, self.end)
        self._disk.sync(self._descriptor)
        self._disk.close(self._descriptor)
        self.end += len(frame)

    def _note(self, item: Entry) -> None:
        if item.kind in UNNUMBERED:
            self.contents.mark(RecordKind(item.kind), self.end, item.last_boot_ns)
        else:
            self.contents.add(item, LossCause.PRESSURE)
