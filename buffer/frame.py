"""Frames: how a record lies in a segment, byte by byte (`FORMAT.md`)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

import zstandard

from config.vocabulary import RecordKind, Stream

MAGIC: Final = b"\xf1FS\x1a"
HEADER_BYTES: Final = 64

HEADER: Final = 0xF0
SEAL: Final = 0xF1
REASON: Final = 0xF2
"""Kinds of frame that are the log's own; the others are `RecordKind`."""

COMPRESSED: Final = 1
AFTER_DROPPED: Final = 2
"""Flags: the body is zstandard; the numbers missing just before were dropped, never written."""

_NUMBERED: Final = frozenset(
    {RecordKind.LOSS, RecordKind.DATA, RecordKind.EVENT, RecordKind.GAP, RecordKind.WINDOW}
)
_LEAST_WORTH_COMPRESSING: Final = 64
_FRONT: Final = struct.Struct("<4sI")
_REST: Final = struct.Struct("<IIQQQqqIBBBB")
_COMPRESSION_LEVEL: Final = 1


class Entry(NamedTuple):
    """What a frame is made of, in the order of `FORMAT.md`'s header; `body` is plain.

    `seq`: a numbered record's own, else the last number before it. `readings_before`: of all numbers before.
    """

    kind: int
    body: bytes
    seq: int
    readings_before: int
    first_boot_ns: int = 0
    last_boot_ns: int = 0
    readings: int = 0
    flags: int = 0


class Header(NamedTuple):
    """A frame's header, as `FORMAT.md` lays it out from byte 8 on."""

    body_bytes: int
    body_crc: int
    run: int
    seq: int
    readings_before: int
    first_boot_ns: int
    last_boot_ns: int
    readings: int
    kind: int
    stream: int
    flags: int
    zero: int = 0

    @property
    def numbered(self) -> bool:
        """Whether the frame has a number of its own."""
        return self.kind in _NUMBERED


class Encoder:
    """Turn bodies into frames of one run and stream. One thread at a time."""

    def __init__(self, run: int, stream: Stream) -> None:
        self._run = run
        self._stream = int(stream)
        self._compress = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress

    def frame(self, entry: Entry) -> bytes:
        """Return header and body as they are written."""
        kind, body, seq, readings_before, first_boot_ns, last_boot_ns, readings, flags = entry
        if len(body) >= _LEAST_WORTH_COMPRESSING:
            smaller = self._compress(body)
            if len(smaller) < len(body):
                body, flags = smaller, flags | COMPRESSED
        rest = _REST.pack(
            len(body),
            zlib.crc32(body),
            self._run,
            seq,
            readings_before,
            first_boot_ns,
            last_boot_ns,
            readings,
            kind,
            self._stream,
            flags,
            0,
        )
        return _FRONT.pack(MAGIC, zlib.crc32(rest)) + rest + body


class Decoder:
    """Turn stored bodies back. One thread at a time."""

    def __init__(self) -> None:
        self._decompress = zstandard.ZstdDecompressor().decompress

    def body(self, header: Header, stored: bytes) -> bytes:
        """Return the plain body of a frame whose checksums were right."""
        return self._decompress(stored) if header.flags & COMPRESSED else stored


def _parse_header(data: bytes) -> Header | None:
    """Return the header that starts `data`, or None where there is no whole, unaltered one."""
    if len(data) < HEADER_BYTES:
        return None
    magic, crc = _FRONT.unpack_from(data)
    if magic != MAGIC or zlib.crc32(data[_FRONT.size : HEADER_BYTES]) != crc:
        return None
    return Header._make(_REST.unpack_from(data, _FRONT.size))


class Layout(NamedTuple):
    """How one version of the format lays out the header of a frame.

    `parse`: returns the whole, unaltered header that starts some bytes, or None. What it returns means the
    same whatever the version: who reads frames knows of no versions.
    """

    magic: bytes
    header_bytes: int
    parse: Callable[[bytes], Header | None]


FORMAT: Final = 1
"""The version that is written."""
LAYOUTS: Final[dict[int, Layout]] = {FORMAT: Layout(MAGIC, HEADER_BYTES, _parse_header)}
"""Every version that is read: this one, and the one before where there is one."""
