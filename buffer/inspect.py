"""Look into a log's directory without being its agent: nothing is locked, nothing is changed.

For the command line, while an agent runs or when none does. What the agent has written but not yet synced may
be seen too, and a segment may be deleted between two looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from buffer.cursor import CursorFile, cursor_name
from buffer.disk import Disk
from buffer.examine import Unplaceable, costs_only_the_file, examine
from buffer.frame import Decoder
from buffer.index import Index, Segment
from buffer.reader import record_of
from buffer.record import Record
from buffer.recover import books_of, read_positions
from buffer.roster import gone
from buffer.scan import Frame, walk
from buffer.segment import PRELUDE_BYTES
from buffer.settled import Count
from config.vocabulary import RecordKind, Stream


def survey(directory: Path) -> list[Segment]:
    """Return the readable segments, by stream and number.

    Raises OSError where this user may not look, NewerFormat.
    """
    found = [
        segment
        for path in directory.iterdir()
        if path.suffix == ".seg" and (segment := _look(path)) is not None
    ]
    return sorted(found, key=lambda segment: (segment.opening.stream, segment.opening.number))


def records(segments: Sequence[Segment], stream: Stream) -> Iterator[Record]:
    """Yield the whole records of a stream in log order; what is damaged or gone meanwhile is passed over."""
    decoder = Decoder()
    for segment in segments:
        if segment.opening.stream is stream:
            try:
                for found in walk(segment.window(), PRELUDE_BYTES):
                    if isinstance(found, Frame) and found.header.numbered:
                        yield record_of(found, decoder)
            except OSError as error:
                if not costs_only_the_file(error):
                    raise


def newest_record(segment: Segment, kind: RecordKind) -> Record | None:
    """Return the last whole record of a numbered kind in a segment, None without one. Raises OSError."""
    frames = walk(segment.window(), PRELUDE_BYTES)
    whole = (found for found in frames if isinstance(found, Frame) and found.header.kind == kind)
    last = deque(whole, maxlen=1)
    return record_of(last[0], Decoder()) if last else None


def backlogs(directory: Path, segments: Sequence[Segment]) -> dict[str, Mapping[Stream, Count]]:
    """Return what every uplink that has a cursor still needs, by its cursor; which lags, so at most that."""
    indexes = {stream: Index(stream) for stream in Stream}
    for segment in segments:
        indexes[segment.opening.stream].add(segment)
    paths = {uplink: directory / cursor_name(uplink) for uplink in gone(directory, ())}
    positions = {uplink: read_positions(CursorFile(Disk(), path)) for uplink, path in paths.items()}
    books = books_of(0, indexes, positions, {})
    return {
        uplink: {stream: books.backlog(account, stream) for stream, account in accounts.items()}
        for uplink, accounts in sorted(books.accounts.items())
    }


def _look(path: Path) -> Segment | None:
    try:
        found = examine(path)
    except Unplaceable:
        return None
    except OSError as error:
        if not costs_only_the_file(error):
            raise
        return None
    return found.segment if found is not None else None
