"""From what a scan wants to the blocks that are asked for. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from drivers.modbus.frame import READ_WORDS, payload_bytes

_BITS_PER_WORD: Final = 16
_MOST_WORDS: Final = 125.0


class Range(NamedTuple):
    """What one value occupies: words (function codes 3, 4) or bits (1, 2) from `start` to before `end`."""

    function_code: int
    start: int
    end: int


class Place(NamedTuple):
    """An address of a table; a cut lies before it."""

    function_code: int
    address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One request and the ranges, at least one, that its answer holds whole; `ranges` are in order."""

    function_code: int
    start: int
    count: int
    ranges: tuple[Range, ...]

    @property
    def payload_bytes(self) -> int:
        """Bytes of values in the answer."""
        return payload_bytes(self.function_code, self.count)

    @property
    def words(self) -> float:
        """What the answer costs: its registers, or 16 bits for one."""
        return self.payload_bytes / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the bus charges, in microseconds: for a request however small, and for each word more."""

    request_us: float
    word_us: float

    @property
    def request_words(self) -> float:
        """How many words cost as much as a request; no more than a request can hold."""
        return min(self.request_us / max(self.word_us, 1e-3), _MOST_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a device allows: words and bits of one request, and unwanted words that may be read along."""

    max_words: int
    max_bits: int
    max_gap_words: int

    def longest(self, function_code: int) -> int:
        """Return the most words or bits of one request."""
        return self.max_words if function_code in READ_WORDS else self.max_bits


def plan(ranges: Iterable[Range], limits: Limits, cost: Cost, cuts: Sequence[Place] = ()) -> Iterator[Block]:
    """Yield the blocks that hold every range whole, in order of function code and address.

    Neighbours share a block while it keeps within the limits and reading the gap between them costs less than
    another request. No block of several ranges lies across one of the `cuts`, which are in order.
    A value longer than the device's limit stands alone and exceeds it: the device's refusal will tell.
    """
    members: list[Range] = []
    reached = 0
    for wanted in sorted(dict.fromkeys(ranges)):
        if members and not _may_join(members[0], reached, wanted, limits, cost, cuts):
            yield block_of(members)
            members = []
        reached = max(reached, wanted.end) if members else wanted.end
        members.append(wanted)
    if members:
        yield block_of(members)


def block_of(ranges: Sequence[Range]) -> Block:
    """Return the smallest block that holds the ranges, which are of one function code and in order."""
    first = ranges[0]
    end = max(member.end for member in ranges)
    return Block(
        function_code=first.function_code, start=first.start, count=end - first.start, ranges=tuple(ranges)
    )


def _may_join(
    first: Range, reached: int, wanted: Range, limits: Limits, cost: Cost, cuts: Sequence[Place]
) -> bool:
    code = first.function_code
    end = max(reached, wanted.end)
    gap_words = (wanted.start - reached) / (1 if code in READ_WORDS else _BITS_PER_WORD)
    return (
        wanted.function_code == code
        and end - first.start <= limits.longest(code)
        and gap_words <= limits.max_gap_words
        and gap_words * cost.word_us < cost.request_us
        and not _is_cut(code, first.start, end, cuts)
    )


def _is_cut(function_code: int, start: int, end: int, cuts: Sequence[Place]) -> bool:
    following = bisect_right(cuts, Place(function_code, start))
    return following < len(cuts) and cuts[following] < Place(function_code, end)
