"""Bring segments back from disk: finish those that were not, and choose those that are this log's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from buffer.disk import Disk, SyncFailed
from buffer.examine import Examined, Scan, Unplaceable, costs_only_the_file, examine, layout_of
from buffer.frame import SEAL, Encoder, Entry
from buffer.index import Segment
from buffer.segment import Contents, Opening, segment_name
from config.vocabulary import LossCause, Stream


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


def load(disk: Disk, directory: Path) -> Loaded:
    """Load every segment; a file that is damaged or unreadable never fails it.

    Raises NewerFormat, before anything is changed, or OSError where this user may not read what is there.
    """
    paths = sorted(directory.glob("*.seg"))
    _refuse_newer(paths)
    loaded = Loaded()
    for path in paths:
        try:
            found = examine(path)
        except Unplaceable:
            loaded.ignored.append(path)
        except OSError as error:
            if not costs_only_the_file(error):
                raise
            loaded.ignored.append(path)
        else:
            _take(disk, path, found, loaded)
    _drop_strangers(loaded)
    _complete_openings(loaded.segments)
    return loaded


def _refuse_newer(paths: Sequence[Path]) -> None:
    for path in paths:
        try:
            layout_of(path)
        except OSError as error:
            if not costs_only_the_file(error):
                raise


def _take(disk: Disk, path: Path, found: Examined | None, loaded: Loaded) -> None:
    if found is None:
        loaded.empty.append(path)
        return
    loaded.segments.append(found.segment)
    if found.scan is not None:
        _finish(disk, found.segment, found.scan, loaded)


def _finish(disk: Disk, segment: Segment, scan: Scan, loaded: Loaded) -> None:
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
