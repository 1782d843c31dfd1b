"""From the values that a scan wants to the blocks that are asked for. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.modbus.frame import READ_WORDS, payload_bytes

_BITS_PER_WORD: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one value occupies: `count` words (function codes 3, 4) or bits (1, 2) from `start`.

    `index` is the tag's place in its scan group.
    """

    index: int
    function_code: int
    start: int
    count: int

    @property
    def end(self) -> int:
        """The first word or bit behind the value."""
        return self.start + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One request and the values, at least one, that its answer holds; `spans` are in order of address."""

    function_code: int
    start: int
    count: int
    spans: tuple[Span, ...]

    @property
    def end(self) -> int:
        """The first word or bit behind the block."""
        return self.start + self.count

    @property
    def payload_bytes(self) -> int:
        """Bytes of values in the answer."""
        return payload_bytes(self.function_code, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the bus charges, in microseconds: for a request however small, and for each word more.

    The default is an Ethernet PLC: a round trip of some milliseconds, words nearly free.
    """

    request_us: float = 2000.0
    word_us: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a device allows: words and bits of one request, and unwanted words that may be read along."""

    max_words: int
    max_bits: int
    max_gap_words: int

    def longest(self, function_code: int) -> int:
        """Return the most words or bits of one request."""
        return self.max_words if function_code in READ_WORDS else self.max_bits


def plan(
    spans: Iterable[Span], limits: Limits, cost: Cost, cuts: Sequence[tuple[int, int]] = ()
) -> list[Block]:
    """Return the blocks that hold every span whole, in order of function code and address.

    Neighbours share a block while it keeps within the limits and reading the gap between them costs less than
    another request. `cuts`, sorted: (function code, address) that no block of several spans may lie across.
    A value longer than the device's limit stands alone and exceeds it: the device's refusal will tell.
    """
    blocks: list[Block] = []
    members: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.function_code, span.start, span.end)):
        if members and not _may_join(members, span, limits, cost, cuts):
            blocks.append(block_of(members))
            members = []
        members.append(span)
    if members:
        blocks.append(block_of(members))
    return blocks


def block_of(spans: Sequence[Span]) -> Block:
    """Return the smallest block that holds the spans, which are of one function code and in order."""
    start = spans[0].start
    end = max(span.end for span in spans)
    return Block(function_code=spans[0].function_code, start=start, count=end - start, spans=tuple(spans))


def _may_join(
    members: Sequence[Span], span: Span, limits: Limits, cost: Cost, cuts: Sequence[tuple[int, int]]
) -> bool:
    code, start = members[0].function_code, members[0].start
    if span.function_code != code:
        return False
    reached = max(member.end for member in members)
    end = max(reached, span.end)
    gap_words = (span.start - reached) / (1 if code in READ_WORDS else _BITS_PER_WORD)
    return (
        end - start <= limits.longest(code)
        and gap_words <= limits.max_gap_words
        and gap_words * cost.word_us < cost.request_us
        and not _is_cut(code, start, end, cuts)
    )


def _is_cut(function_code: int, start: int, end: int, cuts: Sequence[tuple[int, int]]) -> bool:
    following = bisect_right(cuts, (function_code, start))
    return following < len(cuts) and cuts[following] < (function_code, end)
