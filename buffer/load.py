"""Bring segments back from disk: read what their ends say, scan those without an end, cut torn tails."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from buffer.disk import Disk, SyncFailed
from buffer.errors import NewerFormat
from buffer.frame import AFTER_DROPPED, HEADER, MAGIC, SEAL, Decoder, Encoder, Entry, Header
from buffer.index import Segment
from buffer.record import UNNUMBERED
from buffer.scan import Damage, Frame, Window, walk
from buffer.segment import (
    FORMAT,
    PRELUDE_BYTES,
    READABLE,
    Contents,
    Opening,
    parse_name,
    segment_name,
    version_of,
)
from config.text import text
from config.vocabulary import LossCause, RecordKind, Stream

_END_BYTES: Final = 8 * 1024
"""What is read of either end of a segment; a SEAL that is longer costs a scan."""
_OF_THE_FILE: Final = frozenset({errno.EIO, errno.ENOENT, errno.EISDIR, errno.ENODATA, errno.EUCLEAN})
"""What is wrong with one file on the medium; anything else (permission, descriptors) is wrong with us."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """Segments as they were found.

    `torn_bytes`: cut from the ends of unfinished segments; `torn`: those where the number of the torn record
    could not be read. `empty`: files without one whole frame. `ignored`: files that look like segments and
    are unreadable, double, or another log's.
    """

    segments: list[Segment] = field(default_factory=list)
    torn_bytes: int = 0
    torn: list[Segment] = field(default_factory=list)
    empty: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class _Scan:
    """A segment read from end to end.

    `first`: the header of its first whole frame. `end`: where the last one ends. `torn`: the header of
    what is cut off behind it, where that is whole.
    """

    first: Header
    contents: Contents
    end: int = 0
    torn: Header | None = None


def load(disk: Disk, directory: Path) -> Loaded:
    """Load every segment; a file that is damaged or unreadable never fails it.

    Raises NewerFormat, before anything is changed, or OSError where this user may not read what is there.
    """
    paths = sorted(directory.glob("*.seg"))
    _refuse_newer(paths)
    loaded = Loaded()
    for path in paths:
        try:
            _load_one(disk, path, loaded)
        except OSError as error:
            if error.errno not in _OF_THE_FILE:
                raise
            loaded.ignored.append(path)
    _drop_strangers(loaded)
    _complete_openings(loaded.segments)
    return loaded


def _refuse_newer(paths: Sequence[Path]) -> None:
    for path in paths:
        try:
            version = version_of(Window(path, PRELUDE_BYTES).take(0, PRELUDE_BYTES))
        except OSError as error:
            if error.errno not in _OF_THE_FILE:
                raise
            continue
        if version is not None and version not in READABLE:
            raise NewerFormat(
                text(
                    "{file} was written in log format {found}, this program reads up to {known}; use the "
                    "newer program, or another state directory",
                    file=path,
                    found=version,
                    known=FORMAT,
                )
            )


def _load_one(disk: Disk, path: Path, loaded: Loaded) -> None:
    size = path.stat().st_size
    ends = Window(path, size, _END_BYTES)
    opening, contents = _read_opening(ends), _read_seal(ends)
    if opening is not None and contents is not None:
        loaded.segments.append(Segment(opening=opening, path=path, size_bytes=size, contents=contents))
        return
    scanned = _scan(Window(path, size))
    if scanned is None:
        loaded.empty.append(path)
        return
    opening = opening or _guess_opening(path, scanned.first)
    if opening is None:
        loaded.ignored.append(path)
        return
    segment = Segment(opening=opening, path=path, size_bytes=size, contents=contents or scanned.contents)
    loaded.segments.append(segment)
    if contents is None:
        _finish(disk, segment, scanned, loaded)


def _read_opening(window: Window) -> Opening | None:
    found = next(walk(window, PRELUDE_BYTES), None)
    if not isinstance(found, Frame) or found.offset != PRELUDE_BYTES or found.header.kind != HEADER:
        return None
    return Opening.parse(Decoder().body(found.header, found.stored))


def _read_seal(window: Window) -> Contents | None:
    start = max(PRELUDE_BYTES, window.end - _END_BYTES)
    tail = window.take(start, window.end - start)
    at = tail.rfind(MAGIC)
    found = next(walk(window, start + at), None) if at >= 0 else None
    if not isinstance(found, Frame) or found.header.kind != SEAL or found.end != window.end:
        return None
    return Contents.parse(Decoder().body(found.header, found.stored))


def _scan(window: Window) -> _Scan | None:
    """Read a whole segment; None where there is not one whole frame."""
    scan: _Scan | None = None
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


def _begin(header: Header) -> _Scan:
    last = header.seq - 1 if header.numbered else header.seq
    return _Scan(header, Contents(last=last, next_readings=header.readings_before))


def _note(scan: _Scan, frame: Frame, cause: LossCause) -> None:
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


def _guess_opening(path: Path, first: Header) -> Opening | None:
    """Say what can be said of a segment whose HEADER is damaged; None where even its number is unknown."""
    named = parse_name(path.name)
    if named is None:
        return None
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


def _finish(disk: Disk, segment: Segment, scan: _Scan, loaded: Loaded) -> None:
    """Cut the torn tail and seal. Where the disk does not let us, the next start will scan again."""
    torn_bytes, torn, contents = segment.size_bytes - scan.end, scan.torn, scan.contents
    segment.size_bytes = scan.end
    if torn is not None and torn.numbered and torn.run == segment.opening.run:
        contents.miss(torn.seq, torn.readings_before + torn.readings, LossCause.TORN_TAIL)
    elif torn is None and torn_bytes:
        loaded.torn.append(segment)
    loaded.torn_bytes += torn_bytes
    with suppress(OSError, SyncFailed):
        _seal(disk, segment, contents)


def _seal(disk: Disk, segment: Segment, contents: Contents) -> None:
    opening = segment.opening
    entry = Entry(SEAL, contents.body(), contents.last, contents.next_readings)
    frame = Encoder(opening.run, opening.stream).frame(entry)
    descriptor = disk.open(segment.path)
    try:
        disk.truncate(descriptor, segment.size_bytes)
        disk.write(descriptor, frame, segment.size_bytes)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
    segment.size_bytes += len(frame)


def _drop_strangers(loaded: Loaded) -> None:
    """Leave out segments of another log, and all but one of those that claim the same number."""
    logs = Counter(segment.opening.log for segment in loaded.segments if segment.opening.log)
    ours = {0, *(log for log, _ in logs.most_common(1))}
    chosen: dict[tuple[Stream, int], Segment] = {}
    for segment in loaded.segments:
        key = (segment.opening.stream, segment.opening.number)
        if segment.opening.log in ours and (key not in chosen or segment.path.name == segment_name(*key)):
            chosen[key] = segment
    ours_alone = {segment.path for segment in chosen.values()}
    loaded.ignored += [segment.path for segment in loaded.segments if segment.path not in ours_alone]
    loaded.segments = sorted(chosen.values())


def _complete_openings(segments: list[Segment]) -> None:
    """Fill in from their neighbours what damaged HEADERs would have said."""
    for stream in Stream:
        ours = [segment for segment in segments if segment.opening.stream is stream]
        for at, segment in enumerate(ours):
            if segment.opening.log == 0:
                same = [other.opening for other in ours if other.opening.run == segment.opening.run]
                known = next((opening for opening in same if opening.log), None)
                segment.opening = _filled(segment.opening, known, ours[at - 1] if at else None)


def _filled(opening: Opening, same_run: Opening | None, before: Segment | None) -> Opening:
    if same_run is not None:
        return replace(
            opening,
            log=same_run.log,
            start=same_run.start,
            boot_id=same_run.boot_id,
            records_before_run=same_run.records_before_run,
            readings_before_run=same_run.readings_before_run,
        )
    records, readings = before.totals() if before is not None else (0, 0)
    return replace(
        opening,
        start=before.opening.start if before is not None else 0,
        records_before_run=records,
        readings_before_run=readings,
    )
