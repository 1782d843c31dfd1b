"""Open what an earlier run left: what was stored last, what is missing, what is settled for whom."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

from buffer.account import Account
from buffer.aside import QUARANTINE, Key, keys, read_aside
from buffer.books import Books
from buffer.cursor import CursorFile, Positions, cursor_name, decode
from buffer.disk import Disk
from buffer.index import Index, Segment
from buffer.load import Loaded, load
from buffer.preambles import Kept, newest
from buffer.record import Loss
from buffer.roster import Removed, closed, gone, tidy
from buffer.segment import Contents, Hole, parse_name
from buffer.settled import Count, Settled, Span, Tally
from config.vocabulary import LossCause, RecordKind, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRun:
    """The newest earlier run that left anything. `last_boot_ns`: the latest time in it, of its own boot."""

    run: int
    start: int
    boot_id: str
    clean: bool
    last_boot_ns: int
    last_seq: Mapping[Stream, int]
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What opening the log found.

    `start`: how often an agent has started, this time included. `state`, `anchor`: the newest
    readable ones, None where there are none; either may be of an older run, and boot, than `previous`.
    `losses`: found missing now and not before; their LOSS records follow by themselves. `ignored`: files that
    were left alone. `emptied`: files without one whole record, deleted. `added`, `removed`: uplinks that are
    new to this log, and those that are described no more and wait for `Log.forget`.
    """

    start: int
    previous: PreviousRun | None
    state: Kept | None
    anchor: Kept | None
    torn_bytes: int
    losses: tuple[Loss, ...]
    ignored: tuple[str, ...]
    emptied: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What the log begins with. `log`: the directory's random id."""

    log: int
    books: Books
    cursors: Mapping[str, CursorFile]
    recovery: Recovery


def recover(
    disk: Disk,
    directory: Path,
    *,
    run: int,
    uplinks: Iterable[str],
    oldest: Collection[str] = (),
    starts_before: int = 0,
) -> Recovered:
    """Read a log's directory, repair what can be repaired, and count what cannot. Raises NewerFormat.

    `oldest`: uplinks that begin with the oldest segment where they are new. `starts_before`: at least so
    often an agent has started before, here or elsewhere.
    """
    loaded = load(disk, directory)
    for path in loaded.empty:
        disk.unlink(path)
    tidy(disk, directory)
    indexes = {stream: Index(stream) for stream in Stream}
    for segment in loaded.segments:
        indexes[segment.opening.stream].add(segment)
    for path in loaded.ignored:
        _reserve(indexes, path)
    cursors = {uplink: CursorFile(disk, directory / cursor_name(uplink)) for uplink in uplinks}
    positions = {uplink: read_positions(cursor) for uplink, cursor in cursors.items()}
    added = _added(loaded, positions, closed(directory))
    books = books_of(run, indexes, positions, {name: name in oldest for name in added})
    _reckon_quarantine(disk, directory / QUARANTINE, books, positions)
    _find_missing(books, loaded, positions)
    books.advance()
    return Recovered(
        log=next((found.opening.log for found in loaded.segments if found.opening.log), secrets.randbits(64)),
        books=books,
        cursors=cursors,
        recovery=replace(
            _report(books, loaded, starts_before),
            added=tuple(added) if loaded.segments else (),
            removed=tuple(_removed(directory, name, books) for name in gone(directory, cursors)),
        ),
    )


def _added(
    loaded: Loaded, positions: Mapping[str, Positions | None], closed_before: Collection[str]
) -> list[str]:
    """Return the uplinks of which the log knows nothing, or nothing any more."""
    named = {name for segment in loaded.segments for name in segment.opening.uplinks} - set(closed_before)
    return [uplink for uplink, found in positions.items() if found is None and uplink not in named]


def _removed(directory: Path, uplink: str, books: Books) -> Removed:
    found = read_positions(CursorFile(Disk(), directory / cursor_name(uplink)))
    if found is None:
        return Removed(name=uplink, backlog={})
    return Removed(
        name=uplink,
        backlog={
            stream: books.backlog(Account(position.settled), stream) for stream, position in found.items()
        },
    )


def _reserve(indexes: Mapping[Stream, Index], path: Path) -> None:
    """Keep clear of the number that an ignored file's name uses."""
    named = parse_name(path.name)
    if named is not None:
        indexes[named[0]].newest = max(indexes[named[0]].newest, named[1])


def read_positions(cursor: CursorFile) -> Positions | None:
    """Return what a cursor says; None where there is none, or none whole."""
    try:
        body = cursor.read()
    except FileNotFoundError:
        return None
    return None if body is None else decode(body)


def books_of(
    run: int,
    indexes: Mapping[Stream, Index],
    positions: Mapping[str, Positions | None],
    new: Mapping[str, bool],
) -> Books:
    """Return the books that finished segments and cursors make; what is missing is not looked for yet.

    `new`: uplinks to whom nothing was ever due, and whether they get what there is.
    """
    totals = {}
    for stream, index in indexes.items():
        known = [found[stream] for found in positions.values() if found is not None]
        index.newest = max([index.newest, *(position.newest for position in known)])
        totals[stream] = _most(
            [Count(*segment.totals()) for segment in index.segments] + [position.stored for position in known]
        )
    accounts = {
        uplink: {
            stream: Account(
                _begin_new(index, oldest=new[uplink]) if uplink in new else _settled(uplink, index, found)
            )
            for stream, index in indexes.items()
        }
        for uplink, found in positions.items()
    }
    return Books(run=run, indexes=indexes, accounts=accounts, before_run=totals)


def _most(counts: Iterable[Count]) -> Count:
    return reduce(Count.most, counts, Count())


def _settled(uplink: str, index: Index, found: Positions | None) -> Settled:
    return _begin(uplink, index) if found is None else found[index.stream].settled


def _begin_new(index: Index, *, oldest: bool) -> Settled:
    """Begin with the oldest segment, or at now."""
    return Settled(floor=0 if oldest else index.newest)


def _begin(uplink: str, index: Index) -> Settled:
    """Begin without a cursor: at the oldest segment that names the uplink, else at now."""
    naming = next((segment for segment in index.segments if uplink in segment.opening.uplinks), None)
    if naming is None:
        return Settled(floor=index.newest)
    opening = naming.opening
    settled = Settled(floor=opening.number - 1)
    if opening.seq_before:
        settled.spans[opening.run] = [Span(1, opening.seq_before, Tally())]
    return settled


def _reckon_quarantine(
    disk: Disk, directory: Path, books: Books, positions: Mapping[str, Positions | None]
) -> None:
    """Settle what lies in quarantine where no cursor says so, and delete what a cursor says has left it."""
    for uplink, found in positions.items():
        for stream, position in (found or {}).items():
            for run, seq in position.released:
                disk.unlink(Key(run, stream, seq).path(directory, uplink))
        for key in keys(directory, uplink):
            forgotten = books.needs(uplink, key.stream, key.run, key.seq)
            if forgotten or found is None:
                aside = read_aside(key.path(directory, uplink))
                if aside is not None:
                    books.put_aside(uplink, aside.record, forgotten=forgotten)


def _find_missing(books: Books, loaded: Loaded, positions: Mapping[str, Positions | None]) -> None:
    """Count as lost what every account still needs and the disk does not have any more."""
    for segment in loaded.torn:
        books.owe([_torn(segment)])
    for index in books.indexes.values():
        before: Segment | None = None
        for segment in index.segments:
            for hole in (*_gap(before, segment), *_contents(segment).holes):
                books.lose(segment, hole)
            books.lose_damaged(segment, _contents(segment))
            before = segment
    for uplink, accounts in books.accounts.items():
        found = positions[uplink]
        for stream in accounts:
            expected = None
            if found is not None:
                expected = found[stream].accounted.plus(books.before_run[stream]).minus(found[stream].stored)
            books.reconcile(uplink, stream, expected)


def _gap(before: Segment | None, segment: Segment) -> Iterator[Hole]:
    """Yield the numbers of a segment's run that lie between it and the segment before it."""
    opening = segment.opening
    last, readings = 0, 0
    if before is not None and before.opening.run == opening.run:
        last, readings = _contents(before).last, _contents(before).next_readings
    if opening.seq_before > last:
        missing = max(0, opening.readings_before - readings)
        yield Hole(last + 1, opening.seq_before, missing, LossCause.DAMAGED)


def _torn(segment: Segment) -> Loss:
    opening = segment.opening
    return Loss(
        uplink="",
        stream=opening.stream,
        run=opening.run,
        first=_contents(segment).last + 1,
        last=0,
        count=0,
        readings=0,
        cause=LossCause.TORN_TAIL,
    )


def _report(books: Books, loaded: Loaded, starts_before: int) -> Recovery:
    previous = previous_run(loaded.segments)
    return Recovery(
        start=max(starts_before, previous.start if previous else 0) + 1,
        previous=previous,
        state=newest(loaded.segments, RecordKind.STATE),
        anchor=newest(loaded.segments, RecordKind.ANCHOR),
        torn_bytes=loaded.torn_bytes,
        losses=tuple(books.owed),
        ignored=tuple(path.name for path in loaded.ignored),
        emptied=tuple(path.name for path in loaded.empty),
    )


def previous_run(segments: Sequence[Segment]) -> PreviousRun | None:
    """Return the newest run that has finished segments among these; they are in log order."""
    if not segments:
        return None
    opening = max(segments, key=lambda segment: segment.opening.start).opening
    of_run = [segment for segment in segments if segment.opening.run == opening.run]
    contents = {segment.opening.stream: _contents(segment) for segment in of_run}
    return PreviousRun(
        run=opening.run,
        start=opening.start,
        boot_id=opening.boot_id,
        clean=all(found.clean for found in contents.values()),
        last_boot_ns=max(found.last_boot_ns for found in contents.values()),
        last_seq={stream: found.last for stream, found in contents.items()},
        readings=sum(found.next_readings for found in contents.values()),
    )


def _contents(segment: Segment) -> Contents:
    assert segment.contents is not None, "every segment is finished before the agent begins its own"
    return segment.contents
