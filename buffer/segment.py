"""Segments: their names, what stands at their beginning and at their end (`FORMAT.md`)."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

import orjson

from buffer.frame import FORMAT, Entry, Header
from config.vocabulary import LossCause, RecordKind, Stream

_PRELUDE: Final = struct.Struct("<8sHHI")
PRELUDE_BYTES: Final = _PRELUDE.size
_MAGIC: Final = b"FENGSUI\0"
_NEVER: Final = 2**63 - 1
"""What stands for a time that does not come; no clock has shown it."""
MOST_MARKS: Final = 4
"""Of one kind in one segment. A plant whose alarms chatter stores its state twice a second."""
_NAME: Final = re.compile(r"(events|readings)-(\d{10,19})\.seg")


def segment_name(stream: Stream, number: int) -> str:
    """Return the file name of a segment."""
    return f"{stream.name.lower()}-{number:010}.seg"


def parse_name(name: str) -> tuple[Stream, int] | None:
    """Return the stream and number that a file name says, None for a foreign file."""
    match = _NAME.fullmatch(name)
    return (Stream[match[1].upper()], int(match[2])) if match else None


def prelude() -> bytes:
    """Return the first bytes of every segment."""
    front = struct.pack("<8sHH", _MAGIC, FORMAT, 0)
    return front + struct.pack("<I", zlib.crc32(front))


def version_of(data: bytes) -> int | None:
    """Return the format version that a prelude says; None where it is damaged."""
    if len(data) < PRELUDE_BYTES:
        return None
    magic, version, _, crc = _PRELUDE.unpack_from(data)
    right = magic == _MAGIC and zlib.crc32(data[: PRELUDE_BYTES - 4]) == crc
    return int(version) if right else None


@dataclass(frozen=True, slots=True)
class Hole:
    """Numbers `first`..`last` that are not in a segment, the readings they had, and why."""

    first: int
    last: int
    readings: int
    cause: LossCause


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an unnumbered frame begins, and its time."""

    kind: RecordKind
    offset: int
    boot_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a segment's HEADER says. See `FORMAT.md` for the keys."""

    log: int
    run: int
    start: int
    boot_id: str
    stream: Stream
    number: int
    seq_before: int
    readings_before: int
    records_before_run: int
    readings_before_run: int
    created_utc_ns: int
    uplinks: tuple[str, ...]

    def body(self) -> bytes:
        """Return the HEADER's body."""
        return orjson.dumps(self)

    @classmethod
    def parse(cls, body: bytes) -> Opening:
        """Read a HEADER's body; keys of later programs are ignored."""
        found = orjson.loads(body)
        known = {name: found[name] for name in cls.__slots__}
        return cls(**known | {"stream": Stream(found["stream"]), "uplinks": tuple(found["uplinks"])})


@dataclass(slots=True, kw_only=True)
class Contents:
    """What is in a segment: numbered records present, numbers missing between them, unnumbered frames.

    `first` is 0 while there is no record, and `last` then the last number before the segment.
    `next_readings`: readings of the run in all numbers up to `last`. `last_boot_ns`: the latest time in it, 0
    where none is known.
    `marks`: the newest of each kind; where they are damaged, an earlier segment's must do. `clean`: the agent
    stopped in order after this.
    """

    last: int
    next_readings: int
    first: int = 0
    records: int = 0
    readings: int = 0
    last_boot_ns: int = 0
    holes: list[Hole] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    clean: bool = False

    def add(self, record: Header | Entry, cause: LossCause) -> None:
        """Note one record; `cause` is why numbers just before it are missing, if any are."""
        self.miss(record.seq - 1, record.readings_before, cause)
        if not self.records:
            self.first = record.seq
        self.last = record.seq
        self.records += 1
        self.readings += record.readings
        self.next_readings = record.readings_before + record.readings
        self._reach(record.last_boot_ns)

    def miss(self, last: int, readings_through: int, cause: LossCause) -> None:
        """Note that the numbers up to `last`, with which the run has `readings_through`, are not here."""
        if last > self.last:
            readings = max(0, readings_through - self.next_readings)
            self.holes.append(Hole(self.last + 1, last, readings, cause))
            self.last, self.next_readings = last, max(readings_through, self.next_readings)

    def mark(self, kind: RecordKind, offset: int, boot_ns: int) -> None:
        """Note an unnumbered record, and forget the oldest of too many of its kind."""
        same = [mark for mark in self.marks if mark.kind is kind]
        if len(same) == MOST_MARKS:
            self.marks.remove(same[0])
        self.marks.append(Mark(kind, offset, boot_ns))
        self._reach(boot_ns)

    def _reach(self, boot_ns: int) -> None:
        if boot_ns < _NEVER:
            self.last_boot_ns = max(self.last_boot_ns, boot_ns)

    def body(self) -> bytes:
        """Return the SEAL's body."""
        return orjson.dumps(self)

    @classmethod
    def parse(cls, body: bytes) -> Contents:
        """Read a SEAL's body; keys of later programs are ignored."""
        found = orjson.loads(body)
        known = {name: found[name] for name in cls.__slots__}
        known["holes"] = [
            Hole(h["first"], h["last"], h["readings"], LossCause(h["cause"])) for h in found["holes"]
        ]
        known["last_boot_ns"] = 0 if found["last_boot_ns"] >= _NEVER else found["last_boot_ns"]
        contents = cls(**known | {"marks": []})
        for told in found["marks"]:
            contents.mark(RecordKind(told["kind"]), told["offset"], told["boot_ns"])
        return contents
