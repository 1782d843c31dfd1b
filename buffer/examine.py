"""Read segments without changing them: what their ends say, or for those without an end a scan."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from buffer.errors import NewerFormat
from buffer.frame import AFTER_DROPPED, FORMAT, HEADER, LAYOUTS, SEAL, Decoder, Header, Layout
from buffer.index import Segment
from buffer.record import UNNUMBERED
from buffer.scan import Damage, Frame, Window, walk
from buffer.segment import PRELUDE_BYTES, Contents, Opening, parse_name, version_of
from config.text import text
from config.vocabulary import LossCause, RecordKind, Stream

_END_BYTES: Final = 8 * 1024
"""What is read of either end of a segment; a SEAL that is longer costs a scan."""
_OF_THE_FILE: Final = frozenset({errno.EIO, errno.ENOENT, errno.EISDIR, errno.ENODATA, errno.EUCLEAN})


def costs_only_the_file(error: OSError) -> bool:
    """Tell what is wrong with one file on the medium from what is wrong with us (permission, descriptors)."""
    return error.errno in _OF_THE_FILE


@dataclass(slots=True)
class Scan:
    """What a read from end to end found.

    `first`: the header of its first whole frame. `end`: where the last one ends. `torn`: the header of
    what is cut off behind it, where that is whole.
    """

    first: Header
    contents: Contents
    end: int = 0
    torn: Header | None = None


@dataclass(slots=True)
class Examined:
    """A segment as its file says; `scan` where it had no whole SEAL."""

    segment: Segment
    scan: Scan | None


class Unplaceable(Exception):  # noqa: N818 - what is wrong with it
    """A segment whose number nobody knows: its HEADER is damaged, and its name says nothing."""


def layout_of(path: Path) -> Layout:
    """Return how a file's frames are laid out: by its version, or by its first frame under a damaged prelude.

    Raises NewerFormat, OSError.
    """
    front = Window(path, _END_BYTES, LAYOUTS[FORMAT]).take(0, _END_BYTES)
    version = version_of(front)
    if version is None:
        first = front[PRELUDE_BYTES:]
        return next((layout for layout in LAYOUTS.values() if layout.parse(first)), LAYOUTS[FORMAT])
    if version not in LAYOUTS:
        raise NewerFormat(
            text(
                "{file} was written in log format {found}, this program reads up to {known}; use the "
                "newer program, or another state directory",
                file=path,
                found=version,
                known=FORMAT,
            )
        )
    return LAYOUTS[version]


def examine(path: Path) -> Examined | None:
    """Read a segment; None where it has not one whole frame. Raises OSError, Unplaceable, NewerFormat."""
    size, layout = path.stat().st_size, layout_of(path)
    ends = Window(path, size, layout, _END_BYTES)
    opening, contents = _read_opening(ends), _read_seal(ends)
    scan = None
    if opening is None or contents is None:
        scan = _scan(Window(path, size, layout))
        if scan is None:
            return None
        opening = opening or _guess_opening(path, scan.first)
    segment = Segment(opening=opening, path=path, size_bytes=size, contents=contents, layout=layout)
    if contents is None and scan is not None:
        segment.contents = scan.contents
    return Examined(segment, scan if contents is None else None)


def _read_opening(window: Window) -> Opening | None:
    found = next(walk(window, PRELUDE_BYTES), None)
    if not isinstance(found, Frame) or found.offset != PRELUDE_BYTES or found.header.kind != HEADER:
        return None
    return Opening.parse(Decoder().body(found.header, found.stored))


def _read_seal(window: Window) -> Contents | None:
    start = max(PRELUDE_BYTES, window.end - _END_BYTES)
    tail = window.take(start, window.end - start)
    at = tail.rfind(window.layout.magic)
    found = next(walk(window, start + at), None) if at >= 0 else None
    if not isinstance(found, Frame) or found.header.kind != SEAL or found.end != window.end:
        return None
    return Contents.parse(Decoder().body(found.header, found.stored))


def _scan(window: Window) -> Scan | None:
    """Read a whole segment; None where there is not one whole frame."""
    scan: Scan | None = None
    cause, torn = LossCause.PRESSURE, None
    for found in walk(window, PRELUDE_BYTES):
        if isinstance(found, Damage):
            cause, torn = LossCause.DAMAGED, found.header or torn
            continue
        if scan is None:
            scan = _begin(found.header)
        _note(scan, found, cause)
        cause, torn = LossCause.PRESSURE, None
    if scan is not None:
        scan.torn = torn
    return scan


def _begin(header: Header) -> Scan:
    last = header.seq - 1 if header.numbered else header.seq
    return Scan(header, Contents(last=last, next_readings=header.readings_before))


def _note(scan: Scan, frame: Frame, cause: LossCause) -> None:
    header, contents = frame.header, scan.contents
    scan.end = frame.end
    if (header.run, header.stream) != (scan.first.run, scan.first.stream):
        return  # a frame from elsewhere: what should be in its place is missing
    if header.numbered and header.seq > contents.last:
        dropped = header.flags & AFTER_DROPPED and cause is LossCause.PRESSURE
        contents.add(header, LossCause.PRESSURE if dropped else LossCause.DAMAGED)
    elif header.kind in UNNUMBERED:
        contents.mark(RecordKind(header.kind), frame.offset, header.last_boot_ns)
    elif header.kind == SEAL:
        contents.clean = Contents.parse(Decoder().body(header, frame.stored)).clean


def _guess_opening(path: Path, first: Header) -> Opening:
    """Say what can be said of a segment whose HEADER is damaged."""
    named = parse_name(path.name)
    if named is None:
        raise Unplaceable
    return Opening(
        log=0,
        run=first.run,
        start=0,
        boot_id="",
        stream=Stream(first.stream),
        number=named[1],
        seq_before=first.seq - first.numbered,
        readings_before=first.readings_before,
        records_before_run=-1,
        readings_before_run=-1,
        created_utc_ns=path.stat().st_mtime_ns,
        uplinks=(),
    )
