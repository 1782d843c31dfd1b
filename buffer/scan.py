"""Walk the frames of a segment, past whatever is damaged in it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from buffer.frame import Header, Layout

CHUNK_BYTES: Final = 256 * 1024
"""Read at a time."""


class Frame(NamedTuple):
    """A whole, unaltered frame at `offset`; `stored` is the body as stored."""

    offset: int
    end: int
    header: Header
    stored: bytes


class Damage(NamedTuple):
    """Bytes from `offset` to `end` that are no frame. `header`: where only the body is altered or cut off."""

    offset: int
    end: int
    header: Header | None


class Window:
    """A file read in chunks: bytes at any offset below `end`. No descriptor stays open between chunks.

    `layout`: how its frames are laid out.
    """

    def __init__(self, path: Path, end: int, layout: Layout, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.end = end
        self.layout = layout
        self._chunk_bytes = chunk_bytes
        self._path = path
        self._base = 0
        self._data = b""

    def take(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset`; fewer only at the end. Raises OSError."""
        size = min(size, self.end - offset)
        if size <= 0:
            return b""
        if offset < self._base or offset + size > self._base + len(self._data):
            self._data = self._read(min(max(size, self._chunk_bytes), self.end - offset), offset)
            self._base = offset
        start = offset - self._base
        return self._data[start : start + size]

    def _read(self, size: int, offset: int) -> bytes:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, size, offset)
        finally:
            os.close(descriptor)


def walk(window: Window, start: int) -> Iterator[Frame | Damage]:
    """Yield every frame from `start` to the window's end in order, and what lies damaged between them.

    A header is believed when its checksum is right, so damage in a body costs that frame only; after a bad
    header the walk goes on at the next right one. Raises OSError.
    """
    position = start
    while position < window.end:
        found = _at(window, position)
        yield found
        position = found.end


def _at(window: Window, position: int) -> Frame | Damage:
    front = window.layout.header_bytes
    header = window.layout.parse(window.take(position, front))
    if header is None:
        return Damage(position, _next_header(window, position + 1), None)
    end = position + front + header.body_bytes
    if end > window.end:
        return Damage(position, window.end, header)
    stored = window.take(position + front, header.body_bytes)
    if zlib.crc32(stored) != header.body_crc:
        return Damage(position, end, header)
    return Frame(position, end, header, stored)


def _next_header(window: Window, position: int) -> int:
    """Return the offset of the next right header, or the end."""
    magic, header_bytes, parse = window.layout
    while position < window.end:
        data = window.take(position, CHUNK_BYTES)
        found = data.find(magic)
        if not data:
            break
        if found < 0:
            position += max(1, len(data) - len(magic) + 1)
        elif parse(window.take(position + found, header_bytes)) is not None:
            return position + found
        else:
            position += found + 1
    return window.end
