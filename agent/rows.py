"""The reported readings of one scan, as the arrays that records and messages are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.plant import ScanGroup
from drivers.contract import Stamps

Bools = NDArray[np.bool_]
Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint32s = NDArray[np.uint32]

MAX_BODY_BYTES: Final = 60_000
MAX_TEXT: Final = 2_000
_ROW_BYTES: Final = 38
ROWS_AT_ONCE: Final = MAX_BODY_BYTES // _ROW_BYTES
"""Readings that surely fit into one body, and that are made into one within a millisecond."""
_EXACT_BYTES: Final = 32
_ESCAPED_BYTES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Readings of this run so far; between scans, scanned = recorded + sum(suppressed) + dropped."""

    scanned: int
    recorded: int
    suppressed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Readings of one scan: arrays of one length, in ascending order of tag number.

    `raw` and `value` are NaN where there is none. `stamps`: None where the protocol has none. `exact`: by tag
    number, what float64 cannot hold.
    """

    tags: Int64s
    raw: Float64s
    value: Float64s
    quality: Uint32s
    stamps: Stamps | None = None
    exact: Mapping[int, int | str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tags)

    def take(self, chosen: slice | Sequence[int]) -> Rows:
        """Return some of the readings, in ascending order."""
        places = chosen if isinstance(chosen, slice) else np.array(chosen, dtype=np.int64)
        tags = self.tags[places]
        return Rows(
            tags=tags,
            raw=self.raw[places],
            value=self.value[places],
            quality=self.quality[places],
            stamps=None if self.stamps is None else self.stamps.take(places),
            exact={tag: self.exact[tag] for tag in tags.tolist() if tag in self.exact} if self.exact else {},
        )


def select_rows(
    group: ScanGroup,
    selected: Bools,
    raw: Float64s,
    value: Float64s,
    quality: Uint32s,
    *,
    stamps: Stamps | None = None,
    exact: Mapping[int, int | str] | None = None,
) -> Rows:
    """Return the selected readings of a group; all arrays, and `exact`, are indexed within the group."""
    chosen = np.flatnonzero(selected)
    return Rows(
        tags=chosen + group.first,
        raw=raw[chosen],
        value=value[chosen],
        quality=quality[chosen],
        stamps=None if stamps is None else stamps.take(chosen),
        exact={group.first + index: found for index, found in (exact or {}).items() if selected[index]},
    )


def split_rows(rows: Rows) -> Iterator[Rows]:
    """Yield `rows` in parts whose DATA bodies stay within MAX_BODY_BYTES; nearly always one."""
    if not rows.exact and len(rows) <= ROWS_AT_ONCE:
        yield rows
        return
    sizes = np.full(len(rows), _ROW_BYTES)
    for place, tag in zip(np.searchsorted(rows.tags, list(rows.exact)), rows.exact, strict=True):
        sizes[place] += _exact_bytes(rows.exact[tag])
    ends, start = np.cumsum(sizes), 0
    while start < len(rows):
        before = int(ends[start]) - int(sizes[start])
        end = int(np.searchsorted(ends, before + MAX_BODY_BYTES, side="right"))
        yield rows.take(slice(start, end))
        start = end


def _exact_bytes(found: int | str) -> int:
    return _EXACT_BYTES + _ESCAPED_BYTES * min(len(str(found)), MAX_TEXT)
