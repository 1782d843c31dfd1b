"""Quarantine: records that a platform refuses, each in a file of its own with the reason (`FORMAT.md`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from buffer.aside import Aside, Key
from buffer.disk import Disk
from buffer.frame import HEADER, REASON, Encoder, Entry
from buffer.news import News, PutAside, TakenOut
from buffer.record import Record
from buffer.segment import Opening, prelude
from config.vocabulary import RecordKind

_BLOCK_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One record to be put aside; `preamble` is what is needed to read it."""

    uplink: str
    record: Record
    why: str
    opening: Opening
    preamble: Mapping[RecordKind, bytes]

    def contents(self) -> bytes:
        """Return the file: a segment of one record, with a REASON at its end."""
        record = self.record
        encoder = Encoder(record.run, record.stream)
        reason = orjson.dumps({"uplink": self.uplink, "why": self.why})
        before = record.seq - 1
        entries = [
            Entry(HEADER, self.opening.body(), before, 0),
            *(Entry(kind, body, before, 0) for kind, body in self.preamble.items()),
            Entry(
                record.kind,
                record.body,
                record.seq,
                0,
                record.first_boot_ns,
                record.last_boot_ns,
                record.count,
            ),
            Entry(REASON, reason, record.seq, record.count),
        ]
        return prelude() + b"".join(encoder.frame(entry) for entry in entries)


class Quarantine:
    """The quarantine directory. `bytes`: what is in it."""

    def __init__(self, disk: Disk, directory: Path) -> None:
        self._disk = disk
        self.directory = directory
        self._occupied = {path: _occupied_bytes(path.stat().st_size) for path in directory.glob("*/*.seg")}
        self.bytes = sum(self._occupied.values())

    def path(self, uplink: str, key: Key) -> Path:
        """Return the file of a record, be it there or not."""
        return key.path(self.directory, uplink)

    def put(self, item: Quarantined, news: deque[News]) -> None:
        """Store one record and sync it with its directory. Writer thread. Raises OSError, SyncFailed."""
        path = self.path(item.uplink, Key.of(item.record))
        directory = path.parent
        if not directory.is_dir():
            directory.mkdir(parents=True)
            self._disk.sync_directory(self.directory)
            self._disk.sync_directory(self.directory.parent)
        self._disk.unlink(path)
        contents = item.contents()
        descriptor = self._disk.create(path)
        try:
            self._disk.write(descriptor, contents, 0)
            self._disk.sync(descriptor)
        finally:
            self._disk.close(descriptor)
        self._disk.sync_directory(directory)
        self._note(path, _occupied_bytes(len(contents)))
        news.append(PutAside(uplink=item.uplink, record=item.record))

    def remove(self, aside: Aside, news: deque[News]) -> None:
        """Delete the file of a record that has left the quarantine. Writer thread."""
        self._disk.unlink(aside.path)
        self._note(aside.path, 0)
        news.append(TakenOut(uplink=aside.uplink, record=aside.record))

    def _note(self, path: Path, occupied: int) -> None:
        """Note how many bytes a file takes now, whatever it took before."""
        self.bytes += occupied - self._occupied.pop(path, 0)
        if occupied:
            self._occupied[path] = occupied


def _occupied_bytes(size: int) -> int:
    """Return the room that a small file takes, in blocks."""
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
