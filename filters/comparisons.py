"""The comparisons of a plant: one table for all of its alarms and interlocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from config.models import Tag
from config.plant import Plant
from filters.condition import window_of
from filters.layout import COMPARISON, COMPARISON_STATE, LONG_AGO, NEVER, Int64s, Records

if TYPE_CHECKING:
    from filters.kernels import Kernels

MOVES_PER_COMPARISON: Final = 5  # in one judgement: three delays and two changes of sight at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A tag against one number; `test` is one of `filters.machine`.

    `key` names it for ever: `<tag>.HH`, `<tag>.bad`, `<interlock>/cause`. `release` takes the limit's place
    while it is active. `watched`: the witness hears when its input turns Bad or comes back.
    """

    key: str
    tag: Tag
    test: int
    limit: float
    release: float
    on_delay_ns: int = 0
    off_delay_ns: int = 0
    watched: bool = False


class Comparisons:
    """The table (`rules`), its states, and room for its moves; rows lie in image order, so group by group."""

    def __init__(self, plant: Plant, wanted: Iterable[Comparison], kernels: Kernels) -> None:
        self.rows = tuple(sorted(wanted, key=lambda row: plant.number_of[row.tag.tag]))
        self.number_of = {row.key: number for number, row in enumerate(self.rows)}
        self.tag_of = [plant.number_of[row.tag.tag] for row in self.rows]
        self.rules = kernels.lay(_rules(self.rows, self.tag_of))
        self.states = kernels.lay(_blank_states(len(self.rows)))
        self.moves: Int64s = np.zeros((MOVES_PER_COMPARISON * len(self.rows), 3), dtype=np.int64)


def _rules(rows: tuple[Comparison, ...], tags: list[int]) -> Records:
    rules: Records = np.zeros(len(rows), COMPARISON)
    rules["tag"] = tags
    rules["window"] = [window_of(row.tag) for row in rows]
    for field in ("test", "limit", "release", "on_delay_ns", "off_delay_ns", "watched"):
        rules[field] = [getattr(row, field) for row in rows]
    return rules


def _blank_states(count: int) -> Records:
    states: Records = np.zeros(count, COMPARISON_STATE)
    states["blind"] = 1
    states["quiet"] = 1
    for field in ("due_ns", "onset_ns", "rose_onset_ns", "fell_ns"):
        states[field] = NEVER
    for field in ("quiet_ns", "before_ns", "rose_ns", "rose_before_ns", "started_ns"):
        states[field] = LONG_AGO
    return states
