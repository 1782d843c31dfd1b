"""Readings of a log's directory as rows, dated by the best clock that is known now; nothing is changed.

The directory may be that of a running agent, or a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from agent.anchor import Anchor, unpack_anchor
from agent.blackbox.body import unpack_window
from agent.blackbox.ring import Scans
from agent.bodies import RecordError
from agent.dictionary import Dictionary, TagFacts, unpack_tags
from agent.records import unpack_scan
from agent.rows import Rows
from buffer.index import Segment
from buffer.inspect import records, survey
from buffer.preambles import Kept, newest
from buffer.record import Record
from config.vocabulary import RecordKind, Stream

Key = TypeVar("Key", bound=Hashable)
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Span:
    """UTC in ns, both ends within; None: open. What cannot be dated is only within an open span."""

    since_ns: int | None = None
    until_ns: int | None = None

    def contains(self, utc_ns: int | None) -> bool:
        """Tell whether an instant lies within."""
        if utc_ns is None:
            return self.since_ns is self.until_ns is None
        return (self.since_ns is None or self.since_ns <= utc_ns) and (
            self.until_ns is None or utc_ns <= self.until_ns
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The readings of one scan. `utc_ns`: None where its boot has no readable anchor.

    `synchronised`: whether somebody vouched for that clock. `facts`: of each of `rows`.
    """

    utc_ns: int | None
    synchronised: bool
    facts: Sequence[TagFacts]
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """A scan around an event: the rule that raised it, and when (None where that is not known)."""

    rule: str
    event_utc_ns: int | None
    scan: Scanned


class Archive:
    """A log's directory. `unreadable`: records passed over, because of their body or for want of TAGS."""

    def __init__(self, directory: Path) -> None:
        """Look at every segment. Raises OSError where this user may not."""
        self.unreadable = 0
        self._segments = survey(directory)
        self._boots = {segment.opening.run: segment.opening.boot_id for segment in self._segments}

    def matching(self, patterns: Sequence[str]) -> frozenset[str]:
        """Return the tags, of all runs, that match a pattern; `*` stands for anything."""
        return frozenset(
            name for name in self._tag_names if any(fnmatchcase(name, pattern) for pattern in patterns)
        )

    def scans(self, span: Span, wanted: frozenset[str]) -> Iterator[Scanned]:
        """Yield scans in log order, each with the readings of the tags that are wanted."""
        for record in self._of_kind(RecordKind.DATA):
            anchor = self._anchor_of(record)
            utc_ns = _dated(anchor, record.first_boot_ns)
            if span.contains(utc_ns) and (found := self._unpacked(record, unpack_scan)) is not None:
                (rows, _), dictionary = found
                yield from _scanned(rows, dictionary, wanted, utc_ns, anchor)

    def windows(self, span: Span, wanted: frozenset[str]) -> Iterator[Windowed]:
        """Yield the scans that the black box kept around events, likewise; a wide one comes in pieces."""
        for record in self._of_kind(RecordKind.WINDOW):
            if (found := self._unpacked(record, unpack_window)) is not None:
                window, dictionary = found
                anchor = self._anchor_of(record)
                for boot_ns, rows in _each(window.scans):
                    utc_ns = _dated(anchor, boot_ns)
                    if span.contains(utc_ns):
                        for scan in _scanned(rows, dictionary, wanted, utc_ns, anchor):
                            event_utc_ns = _dated(anchor, window.event_boot_ns)
                            yield Windowed(rule=window.rule, event_utc_ns=event_utc_ns, scan=scan)

    def _of_kind(self, kind: RecordKind) -> Iterator[Record]:
        return (record for record in records(self._segments, Stream.READINGS) if record.kind is kind)

    def _anchor_of(self, record: Record) -> Anchor | None:
        return self._anchors.get(self._boots.get(record.run, ""))

    def _unpacked(
        self, record: Record, unpack: Callable[[bytes, Dictionary], Body]
    ) -> tuple[Body, Dictionary] | None:
        """Return a body and its dictionary; None, and counted, where it cannot be read."""
        dictionary = self._dictionaries.get(record.run)
        try:
            if dictionary is None:
                raise RecordError("the tag dictionary of this record is gone")
            return unpack(record.body, dictionary), dictionary
        except RecordError:
            self.unreadable += 1
            return None

    @cached_property
    def _tag_names(self) -> frozenset[str]:
        return frozenset(facts.name for found in self._dictionaries.values() for facts in found.tags)

    @cached_property
    def _dictionaries(self) -> dict[int, Dictionary]:
        """The dictionary of every run whose TAGS are readable."""
        found = {run: newest(_of_run(self._segments, run), RecordKind.TAGS) for run in self._boots}
        return _readable(found, unpack_tags)

    @cached_property
    def _anchors(self) -> dict[str, Anchor]:
        """The newest anchor of every boot that has a readable one."""
        found = {
            boot: newest(_of_boot(self._segments, boot), RecordKind.ANCHOR)
            for boot in set(self._boots.values())
            if boot
        }
        return _readable(found, unpack_anchor)


def _scanned(
    rows: Rows, dictionary: Dictionary, wanted: frozenset[str], utc_ns: int | None, anchor: Anchor | None
) -> Iterator[Scanned]:
    """Yield a scan with those of its rows that are wanted, where there are any."""
    facts = [dictionary.tags[tag] for tag in rows.tags.tolist()]
    chosen = [at for at, found in enumerate(facts) if found.name in wanted]
    if chosen:
        yield Scanned(
            utc_ns=utc_ns,
            synchronised=anchor is not None and anchor.synchronised,
            facts=[facts[at] for at in chosen],
            rows=rows.take(chosen),
        )


def _each(scans: Scans) -> Iterator[tuple[int, Rows]]:
    """Yield the boottime and the rows of every scan of a window."""
    tags = np.arange(scans.first, scans.first + scans.raw.shape[1])
    columns = zip(scans.boot_ns.tolist(), scans.raw, scans.value, scans.quality, strict=True)
    for boot_ns, raw, value, quality in columns:
        yield boot_ns, Rows(tags=tags, raw=raw, value=value, quality=quality)


def _dated(anchor: Anchor | None, boot_ns: int) -> int | None:
    return None if anchor is None else anchor.utc_ns_of(boot_ns)


def _readable(found: Mapping[Key, Kept | None], unpack: Callable[[bytes], Body]) -> dict[Key, Body]:
    """Return what can be unpacked of what there is."""
    readable = {}
    for key, kept in found.items():
        with suppress(RecordError):
            if kept is not None:
                readable[key] = unpack(kept.body)
    return readable


def _of_run(segments: Sequence[Segment], run: int) -> list[Segment]:
    return [segment for segment in segments if segment.opening.run == run]


def _of_boot(segments: Sequence[Segment], boot_id: str) -> list[Segment]:
    return [segment for segment in segments if segment.opening.boot_id == boot_id]
