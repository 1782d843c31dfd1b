"""What lies in quarantine, read back: by the command line at any time, by the agent to send it again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from buffer.examine import costs_only_the_file, layout_of
from buffer.frame import REASON, Decoder
from buffer.preambles import Bodies
from buffer.reader import record_of
from buffer.record import UNNUMBERED, Record
from buffer.scan import Frame, Window, walk
from buffer.segment import PRELUDE_BYTES
from config.vocabulary import RecordKind, Stream

QUARANTINE: Final = "quarantine"
"""The directory within a log's."""
_NAME: Final = re.compile(r"([0-9a-f]{16})-(events|readings)-(\d{10,19})")


class Key(NamedTuple):
    """What a record is known by."""

    run: int
    stream: Stream
    seq: int

    @classmethod
    def of(cls, record: Record) -> Key:
        """Return a record's key."""
        return cls(record.run, record.stream, record.seq)

    @classmethod
    def parse(cls, name: str) -> Key | None:
        """Return the key that people write so; None where nothing is written so."""
        named = _NAME.fullmatch(name)
        return None if named is None else cls(int(named[1], 16), Stream[named[2].upper()], int(named[3]))

    @property
    def name(self) -> str:
        """The key as people write it."""
        return f"{self.run:016x}-{self.stream.name.lower()}-{self.seq:010}"

    def path(self, directory: Path, uplink: str) -> Path:
        """Return the file of the record in a quarantine directory; it never lies there twice."""
        return directory / uplink / f"{self.name}.seg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """One record in quarantine. `name`: its key as people write it. `preamble`: what it takes to read it."""

    uplink: str
    path: Path
    record: Record
    why: str
    preamble: Bodies

    @property
    def key(self) -> Key:
        """The record's key."""
        return Key.of(self.record)

    @property
    def name(self) -> str:
        """The record's key as people write it."""
        return self.path.stem


class KeptOnce:
    """The bodies of preambles, each kept once: a run's TAGS are in every file of that run."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[int, bytes], bytes] = {}

    def body(self, frame: Frame, decoder: Decoder) -> bytes:
        """Return a frame's plain body."""
        key = frame.header.flags, frame.stored
        if key not in self._bodies:
            self._bodies[key] = decoder.body(frame.header, frame.stored)
        return self._bodies[key]


def quarantined(directory: Path, uplink: str = "*") -> Iterator[Aside]:
    """Yield what lies in a quarantine directory, for one uplink or all, by uplink and key.

    Nothing is changed. A file that `read_aside` cannot read is passed over. Raises OSError where this
    user may not look, NewerFormat.
    """
    kept = KeptOnce()
    for path in sorted(directory.glob(f"{uplink}/*.seg")):
        found = read_aside(path, kept)
        if found is not None:
            yield found


def keys(directory: Path, uplink: str) -> Iterator[Key]:
    """Yield what lies in a quarantine directory for an uplink, as the files' names say, in no order."""
    with suppress(FileNotFoundError), os.scandir(directory / uplink) as entries:
        for entry in entries:
            name, _, kind = entry.name.rpartition(".")
            key = Key.parse(name) if kind == "seg" else None
            if key is not None:
                yield key


def read_aside(path: Path, kept: KeptOnce | None = None) -> Aside | None:
    """Read one file of a quarantine. Raises OSError, NewerFormat.

    None where it is damaged or gone, or holds another record than its name says.
    """
    try:
        return _read(path, KeptOnce() if kept is None else kept)
    except OSError as error:
        if not costs_only_the_file(error):
            raise
        return None


def _read(path: Path, kept: KeptOnce) -> Aside | None:
    decoder, preamble = Decoder(), Bodies()
    record: Record | None = None
    why = ""
    for found in walk(Window(path, path.stat().st_size, layout_of(path)), PRELUDE_BYTES):
        if not isinstance(found, Frame):
            continue
        if found.header.numbered:
            record = record_of(found, decoder)
        elif found.header.kind in UNNUMBERED:
            preamble[RecordKind(found.header.kind)] = kept.body(found, decoder)
        elif found.header.kind == REASON:
            why = str(orjson.loads(decoder.body(found.header, found.stored))["why"])
    if record is None or Key.of(record).name != path.stem:
        return None
    return Aside(uplink=path.parent.name, path=path, record=record, why=why, preamble=preamble)
