"""What is settled for one uplink in one stream: which numbers, and what became of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from config.vocabulary import LossCause

MAX_SPANS: Final = 32
"""Most spans of one stream that a cursor remembers."""


class Count(NamedTuple):
    """A number of records and of the readings in them."""

    records: int = 0
    readings: int = 0

    def plus(self, other: Count) -> Count:
        """Return the sum."""
        return Count(self.records + other.records, self.readings + other.readings)

    def minus(self, other: Count) -> Count:
        """Return the difference."""
        return Count(self.records - other.records, self.readings - other.readings)

    def most(self, other: Count) -> Count:
        """Return the greater of each."""
        return Count(max(self.records, other.records), max(self.readings, other.readings))


class Fate(StrEnum):
    """What became of a settled record; a lost one's is the cause. The names are on disk and never change."""

    DELIVERED = "delivered"
    QUARANTINED = "quarantined"
    CAP = LossCause.CAP
    DISK_FULL = LossCause.DISK_FULL
    DAMAGED = LossCause.DAMAGED
    TORN_TAIL = LossCause.TORN_TAIL
    PRESSURE = LossCause.PRESSURE
    DISCARDED = LossCause.DISCARDED


class Tally(dict[Fate, Count]):
    """How many records met which fate; fates that none met are absent."""

    def add(self, fate: Fate, count: Count) -> None:
        """Count records in."""
        self[fate] = self.get(fate, Count()).plus(count)

    def merge(self, other: Mapping[Fate, Count]) -> None:
        """Count another tally in."""
        for fate, count in other.items():
            self.add(fate, count)

    def of(self, fate: Fate) -> Count:
        """Return how many met `fate`."""
        return self.get(fate, Count())

    def total(self) -> Count:
        """Return how many met any fate."""
        return Count(sum(count.records for count in self.values()), sum(c.readings for c in self.values()))


@dataclass(slots=True)
class Span:
    """Settled numbers `first`..`last` of one run, without a gap, and their fates."""

    first: int
    last: int
    tally: Tally

    def __lt__(self, other: Span) -> bool:
        return self.first < other.first


@dataclass(slots=True)
class Settled:
    """Settled numbers of one stream, exactly.

    `floor`: every segment up to this number is settled. `below`: fates of all that is in no span. `spans`: by
    run, ascending, disjoint, never touching.
    """

    floor: int = 0
    below: Tally = field(default_factory=Tally)
    spans: dict[int, list[Span]] = field(default_factory=dict)

    def contains(self, run: int, seq: int) -> bool:
        """Tell whether one number is settled."""
        spans = self.spans.get(run)
        if not spans:
            return False
        at = bisect_right(spans, seq, key=_first)
        return at > 0 and spans[at - 1].last >= seq

    def unsettled(self, run: int, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of `first`..`last` that are not settled, ascending."""
        at = first
        for span in self.overlapping(run, first, last):
            if span.first > at:
                yield at, span.first - 1
            at = span.last + 1
        if at <= last:
            yield at, last

    def overlapping(self, run: int, first: int, last: int) -> list[Span]:
        """Return the spans that have numbers of `first`..`last`."""
        spans = self.spans.get(run, [])
        at = max(0, bisect_right(spans, first, key=_first) - 1)
        return [span for span in spans[at : bisect_right(spans, last, key=_first)] if span.last >= first]

    def over(self, parts: Iterable[tuple[int, int, int]]) -> list[tuple[int, Span]]:
        """Return the spans, with their runs, that have numbers of these parts (run, first, last)."""
        found = {
            (run, span.first): span
            for run, first, last in parts
            for span in self.overlapping(run, first, last)
        }
        return [(run, span) for (run, _), span in found.items()]

    def settle(self, run: int, first: int, last: int, fate: Fate, readings: int) -> None:
        """Settle `first`..`last`, none of which is settled yet; they had `readings` readings."""
        spans = self.spans.setdefault(run, [])
        count = Count(last - first + 1, readings)
        at = bisect_right(spans, first, key=_first)
        if at and spans[at - 1].last == first - 1:
            spans[at - 1].last = last
            spans[at - 1].tally.add(fate, count)
        else:
            spans.insert(at, Span(first, last, Tally({fate: count})))
            at += 1
        if at < len(spans) and spans[at].first == last + 1:
            spans[at - 1].last = spans[at].last
            spans[at - 1].tally.merge(spans.pop(at).tally)

    def convert(self, run: int, seq: int, old: Fate, new: Fate, count: Count) -> None:
        """Count a settled record under another fate; one that is not counted under `old` stays as it is."""
        tallies = [*(span.tally for span in self.overlapping(run, seq, seq)), self.below]
        tally = next((tally for tally in tallies if tally.of(old).records >= count.records), None)
        if tally is not None:
            tally[old] = tally[old].minus(count)
            tally.add(new, count)
            if tally[old] == Count():
                del tally[old]

    def fold(self, run: int) -> None:
        """Forget a run's spans but not their tallies: all of it is under the floor, or gone."""
        for span in self.spans.pop(run, ()):
            self.below.merge(span.tally)

    def tally(self) -> Tally:
        """Return the fates of everything settled."""
        total = Tally(self.below)
        for spans in self.spans.values():
            for span in spans:
                total.merge(span.tally)
        return total


def _first(span: Span) -> int:
    return span.first
