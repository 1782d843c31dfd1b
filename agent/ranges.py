"""A set of whole numbers, kept as ranges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

Range = tuple[int, int]
"""First and last, both inside."""


class Ranges:
    """Whole numbers; cheap where they come mostly in order."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __iter__(self) -> Iterator[Range]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]

    def __len__(self) -> int:
        """How many numbers."""
        return sum(last - first + 1 for first, last in self)

    @property
    def last(self) -> int:
        """The greatest number; 0 where there is none."""
        return self._lasts[-1] if self._lasts else 0

    @property
    def first(self) -> int:
        """The least number; 0 where there is none."""
        return self._firsts[0] if self._firsts else 0

    def add(self, first: int, last: int | None = None) -> None:
        """Add a number, or all of a range."""
        last = first if last is None else last
        start = bisect_right(self._firsts, first)
        if start and self._lasts[start - 1] >= first - 1:
            start -= 1
        stop = bisect_right(self._firsts, last + 1)
        if start < stop:
            first, last = min(first, self._firsts[start]), max(last, self._lasts[stop - 1])
        self._firsts[start:stop] = [first]
        self._lasts[start:stop] = [last]

    def holes(self, first: int, last: int) -> list[Range]:
        """Return what of `first`..`last` is missing."""
        found: list[Range] = []
        for inside_first, inside_last in self:
            if inside_first > last:
                break
            if inside_first > first:
                found.append((first, inside_first - 1))
            first = max(first, inside_last + 1)
        if first <= last:
            found.append((first, last))
        return found

    def without(self, other: Ranges) -> Ranges:
        """Return what is in this set and not in the other."""
        rest = Ranges()
        for first, last in self:
            for hole in other.holes(first, last):
                rest.add(*hole)
        return rest
