"""The cursor of one uplink on disk: two alternating slots, each whole or not at all (`FORMAT.md`)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from buffer.disk import Disk
from buffer.index import Index
from buffer.roster import CURSOR
from buffer.settled import MAX_SPANS, Count, Fate, Settled, Span, Tally
from config.vocabulary import Stream

MAX_RELEASED: Final = 100
"""Most records of one stream that a cursor names as having left the quarantine."""
SLOT_BYTES: Final = 32 * 1024
_FRONT: Final = struct.Struct("<8sQI")
_CRC: Final = struct.Struct("<I")
_MAGIC: Final = b"FSCURSOR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One stream's part of a cursor.

    `stored`: the stream's totals over all runs when the cursor was written. `accounted`: this uplink's share
    of them. `newest`: the newest segment's number then, so that numbers are never given twice. `released`:
    records (run, seq) that have left the quarantine and whose files may still be there.
    """

    settled: Settled
    stored: Count
    accounted: Count
    newest: int
    released: Sequence[tuple[int, int]] = field(default_factory=list)


Positions = dict[Stream, Position]


def cursor_name(uplink: str) -> str:
    """Return the file name of an uplink's cursor."""
    return f"{CURSOR}{uplink}"


def encode(positions: Positions, indexes: Mapping[Stream, Index]) -> bytes:
    """Return a slot's body.

    Spans beyond the most that a cursor may have are left out: what they settle counts as unsettled after a
    restart.
    """
    return orjson.dumps(
        {stream.name.lower(): _position(position, indexes[stream]) for stream, position in positions.items()},
        default=tuple,
        option=orjson.OPT_NON_STR_KEYS,
    )


def decode(body: bytes) -> Positions:
    """Return what a slot's body says."""
    found = orjson.loads(body)
    return {stream: _parse_position(found[stream.name.lower()]) for stream in Stream}


def _position(position: Position, index: Index) -> dict[str, Any]:
    settled = position.settled
    return {
        "floor": settled.floor,
        "below": settled.below,
        "ranges": [(run, span.first, span.last, span.tally) for run, span in _remembered(settled, index)],
        "stored": position.stored,
        "accounted": position.accounted,
        "newest": position.newest,
        "released": position.released[-MAX_RELEASED:],
    }


def _remembered(settled: Settled, index: Index) -> list[tuple[int, Span]]:
    """Return the spans that find room, in log order.

    First those over segments that are gone, which nothing else tells from damage; then the oldest.
    """
    spans = [(run, span) for run in index.runs() for span in settled.spans.get(run, ())]
    if len(spans) <= MAX_SPANS:
        return spans
    chosen = {(run, span.first) for run, span in settled.over(index.gaps())[:MAX_SPANS]}
    here = ((run, span.first) for run, span in spans if (run, span.first) not in chosen)
    chosen.update(islice(here, MAX_SPANS - len(chosen)))
    return [(run, span) for run, span in spans if (run, span.first) in chosen]


def _parse_position(found: dict[str, Any]) -> Position:
    settled = Settled(floor=found["floor"], below=_parse_tally(found["below"]))
    for run, first, last, tally in found["ranges"]:
        settled.spans.setdefault(run, []).append(Span(first, last, _parse_tally(tally)))
    return Position(
        settled=settled,
        stored=Count(*found["stored"]),
        accounted=Count(*found["accounted"]),
        newest=found["newest"],
        released=[(run, seq) for run, seq in found.get("released", ())],
    )


def _parse_tally(found: dict[str, list[int]]) -> Tally:
    return Tally({Fate(fate): Count(*count) for fate, count in found.items()})


class CursorFile:
    """Two slots. Written by the writer thread only, read once at opening."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self._generation = 0

    def read(self) -> bytes | None:
        """Return the newest whole slot's body; None where there is none. Raises OSError."""
        data = self._path.read_bytes()
        slots = [_read_slot(data[at : at + SLOT_BYTES]) for at in (0, SLOT_BYTES)]
        generation, body = max((slot for slot in slots if slot), default=(0, None))
        self._generation = generation
        return body

    def write(self, body: bytes, *, copies: int = 1) -> None:
        """Replace the older slot and sync; `copies=2` replaces both, one after the other. Raises OSError."""
        descriptor, fresh = self._open()
        try:
            if fresh:
                self._prepare(descriptor)
            for _ in range(copies):
                generation = self._generation + 1
                at = generation % 2 * SLOT_BYTES
                self._disk.write(descriptor, _slot(generation, body), at)
                self._disk.sync(descriptor)
                self._generation = generation
        finally:
            self._disk.close(descriptor)

    def _open(self) -> tuple[int, bool]:
        if self._path.exists():
            return self._disk.open(self._path), False
        return self._disk.create(self._path), True

    def _prepare(self, descriptor: int) -> None:
        """Take the room for both slots at once, so that a full disk never stops a cursor."""
        self._disk.allocate(descriptor, 2 * SLOT_BYTES)
        self._disk.sync(descriptor)
        self._disk.sync_directory(self._path.parent)


def _slot(generation: int, body: bytes) -> bytes:
    front = _FRONT.pack(_MAGIC, generation, len(body))
    return front + _CRC.pack(zlib.crc32(body, zlib.crc32(front))) + body


def _read_slot(data: bytes) -> tuple[int, bytes] | None:
    start = _FRONT.size + _CRC.size
    if len(data) < start:
        return None
    magic, generation, length = _FRONT.unpack_from(data)
    body = data[start : start + length]
    crc = zlib.crc32(body, zlib.crc32(data[: _FRONT.size]))
    right = magic == _MAGIC and len(body) == length and _CRC.unpack_from(data, _FRONT.size)[0] == crc
    return (generation, body) if right else None
