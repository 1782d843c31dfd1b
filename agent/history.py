"""The gap journal of a log, read from its records alone: beside the running agent, or from a copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agent.anchor import Anchor, unpack_anchor
from agent.bodies import RecordError
from agent.dictionary import unpack_tags
from agent.gap import GATEWAY, GapBody, GapCause, Moment, Part, Subject, unpack_gap
from buffer.index import Segment
from buffer.inspect import records, survey
from buffer.preambles import newest
from buffer.record import Record
from config.vocabulary import RecordKind, Stream

ABSENT: Final = frozenset(
    {GapCause.CLEAN_STOP, GapCause.AGENT_CRASH, GapCause.HOST_DOWN_UNCLEAN, GapCause.MAINS_LOST}
)
"""Causes for which the agent itself was not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a log tells of times without data.

    `gaps`: in the order in which they began, dated as well as is known now; without an end where they last.
    `first`, `last`: the oldest and the newest instant in the log. `subjects`: what there is that may have
    gaps, in order. `unreadable`: records of gaps passed over, as a newer program may have written them.
    """

    gaps: tuple[GapBody, ...]
    first: Moment
    last: Moment
    subjects: tuple[Subject, ...]
    unreadable: int = 0


def read_history(directory: Path) -> History | None:
    """Read a log's directory; None where it holds nothing. Raises OSError where this user may not look."""
    segments = survey(directory)
    boots = {segment.opening.run: segment.opening.boot_id for segment in segments}
    anchors = {boot_id: _anchor(segments, boot_id) for boot_id in boots.values()}
    first, last, told = None, None, []
    for record in records(segments, Stream.EVENTS):
        first, last = first or record, record
        if record.kind is RecordKind.GAP:
            told.append(_told(record))
    if first is None or last is None:
        return None

    def moment(record: Record, boot_ns: int) -> Moment:
        boot_id = boots[record.run]
        return Moment(boot_id=boot_id, boot_ns=boot_ns, utc_ns=0).dated(anchors[boot_id])

    gaps = sorted(
        (_dated(gap, anchors) for gap in fold(filter(None, told))), key=lambda gap: gap.start.utc_ns
    )
    return History(
        gaps=tuple(gaps),
        first=moment(first, first.first_boot_ns),
        last=moment(last, _newest_ns(segments, last)),
        subjects=(GATEWAY, *_subjects(segments, gaps)),
        unreadable=told.count(None),
    )


def fold(gaps: Iterable[GapBody]) -> Iterator[GapBody]:
    """Make of the records of beginnings and ends, in log order, every gap once.

    Whoever is killed tells no end: what was open then lasted until the gap of the agent's own absence.
    """
    begun: dict[tuple[Subject, bool], GapBody] = {}
    for gap in gaps:
        key = (gap.subject, gap.cause in ABSENT)
        if gap.end is None:
            begun[key] = gap
            continue
        was = begun.pop(key, None)
        if gap.cause in ABSENT:
            yield from (replace(other, end=gap.start) for other in begun.values())
            begun.clear()
            yield gap if was is None else replace(gap, start=was.start, by=was.by)
        else:
            yield gap
    yield from begun.values()


def _dated(gap: GapBody, anchors: dict[str, Anchor | None]) -> GapBody:
    for moment in (gap.start, gap.end):
        if moment is not None:
            gap = gap.dated(anchors.get(moment.boot_id))
    return gap


def _told(record: Record) -> GapBody | None:
    """Return the gap of a GAP record; None where this version cannot read it."""
    try:
        return unpack_gap(record.body)
    except RecordError:
        return None


def _anchor(segments: Sequence[Segment], boot_id: str) -> Anchor | None:
    """Return the newest anchor of a boot that can be read."""
    kept = newest((found for found in segments if found.opening.boot_id == boot_id), RecordKind.ANCHOR)
    try:
        return None if kept is None else unpack_anchor(kept.body)
    except RecordError:
        return None


def _newest_ns(segments: Sequence[Segment], record: Record) -> int:
    """Return the latest instant in either stream of a record's run."""
    contents = [found.contents for found in segments if found.opening.run == record.run]
    return max(record.last_boot_ns, *(found.last_boot_ns for found in contents if found is not None))


def _subjects(segments: Sequence[Segment], gaps: Iterable[GapBody]) -> list[Subject]:
    """Return the devices and uplinks that the log knows."""
    tags = newest(segments, RecordKind.TAGS)
    facts = () if tags is None else unpack_tags(tags.body).tags
    devices = [one.device for one in facts if one.device]  # derived series have none
    uplinks = [name for segment in segments for name in segment.opening.uplinks]
    known = [Subject(Part.DEVICE, name) for name in devices]
    known += [Subject(Part.UPLINK, name) for name in uplinks]
    known += [gap.subject for gap in gaps if gap.subject != GATEWAY]
    return list(dict.fromkeys(sorted(known, key=lambda subject: list(Part).index(subject.part))))
