"""The comparisons of a plant: one table for all of its alarms and interlocks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from config.plant import Plant
from config.rules import Condition
from config.tags import Tag
from config.vocabulary import Limit
from filters.layout import COMPARISON, COMPARISON_STATE, LONG_AGO, NEVER, Records, moved
from filters.machine import ABOVE, ACTIVE, BELOW, EQUAL, IS_BAD

if TYPE_CHECKING:
    from filters.kernels import Kernels

_STATE_FIELDS: Final = tuple(
    name for name in COMPARISON_STATE.names or () if name not in ("left_ns", "anew_ns")
)
"""What is kept of an active comparison: no delay of it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedComparison:
    """The state of one active comparison, in the order of its fields, and the digest of its rule."""

    rule: str
    state: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A tag against one number; `test` is one of `filters.machine`.

    `key` names it for ever: `<tag>.HH`, `<tag>.bad`, `<interlock>/cause`. `release` takes the limit's place
    while it is active.
    """

    key: str
    tag: Tag
    test: int
    limit: float
    release: float
    on_delay_ns: int = 0
    off_delay_ns: int = 0

    @property
    def digest(self) -> str:
        """What tells this rule from a changed one of the same key: all that its outcome depends on."""
        tag = self.tag
        facts = (
            self.test,
            self.limit,
            self.release,
            self.on_delay_ns,
            self.off_delay_ns,
            tag.tag,
            tag.address,
        )
        conditioning = (tag.scale, tag.offset, tag.raw_low, tag.raw_high, sorted(tag.sentinels), tag.median)
        plausible = (tag.plausible_low, tag.plausible_high, tag.max_rate)
        return digest_of(facts, conditioning, plausible, _STATE_FIELDS)


def test_of(condition: Condition) -> tuple[int, float]:
    """Return a condition's test (`filters.machine`) and its number."""
    if condition.above is not None:
        return ABOVE, condition.above
    if condition.below is not None:
        return BELOW, condition.below
    assert condition.equals is not None, "the loader lets exactly one comparison pass"
    return EQUAL, condition.equals


def digest_of(*facts: object) -> str:
    """Return a short digest of plain values."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def limit_key(tag: str, limit: Limit) -> str:
    """Return the name of a limit alarm."""
    return f"{tag}.{limit}"


class Comparisons:
    """The table (`rules`) and its states; rows lie in image order, so group by group.

    `watched`: the keys of which the witness hears when their input turns Bad or comes back.
    """

    def __init__(
        self, plant: Plant, wanted: Iterable[Comparison], watched: Collection[str], kernels: Kernels
    ) -> None:
        self.rows = tuple(sorted(wanted, key=lambda row: plant.number_of[row.tag.tag]))
        self.number_of = {row.key: number for number, row in enumerate(self.rows)}
        self.tag_of = [plant.number_of[row.tag.tag] for row in self.rows]
        self._watched = [number for number, row in enumerate(self.rows) if row.key in watched]
        self._digests: dict[int, str] = {}
        self._memory_ns = [0 if row.test == IS_BAD else plant.memory_ns(row.tag.tag) for row in self.rows]
        windows = [plant.window(row.tag.tag) for row in self.rows]
        self.rules = kernels.lay(_rules(self.rows, self.tag_of, windows, watched))
        self.states = kernels.lay(_blank_states(len(self.rows)))

    def digest(self, row: int) -> str:
        """Return what tells a rule from a changed one of the same key."""
        if row not in self._digests:
            self._digests[row] = self.rows[row].digest
        return self._digests[row]

    def risen(self, row: int) -> tuple[int, int]:
        """Return of the newest activation the onset, and the last raw sample before it."""
        state = self.states[row]
        return int(state["rose_onset_ns"]), int(state["rose_before_ns"])

    def stand(self, row: int, since_ns: int) -> None:
        """Let the comparison of an alarm be active that was so in an earlier run.

        It is over no earlier than when its filters, which begin anew, have seen as much as they remember.
        """
        state = self.states[row]
        state["phase"] = ACTIVE
        state["started_ns"] = since_ns
        state["anew_ns"] = self._memory_ns[row]

    def save(self) -> dict[str, SavedComparison]:
        """Return the states of what is watched and active."""
        active = [row for row in self._watched if self.states[row]["phase"] >= ACTIVE]
        return {self.rows[row].key: self._save(row) for row in active}

    def _save(self, row: int) -> SavedComparison:
        state = self.states[row]
        return SavedComparison(rule=self.digest(row), state=tuple(int(state[name]) for name in _STATE_FIELDS))

    def resume(self, saved: dict[str, SavedComparison], by_ns: int) -> None:
        """Take up saved states, on a clock that reads `by_ns` more.

        Until the first scan every input is Bad, as it is for a comparison that was never looked at.
        """
        for key, was in saved.items():
            row = self.number_of.get(key)
            if row is None or self.digest(row) != was.rule:
                continue
            state = self.states[row]
            for name, found in zip(_STATE_FIELDS, was.state, strict=True):
                state[name] = moved(found, by_ns) if name.endswith("_ns") else found
            state["phase"] = ACTIVE
            state["due_ns"] = NEVER
            state["blind"] = 1
            for name in ("onset_ns", "rose_onset_ns"):
                state[name] = state["rose_ns"] if state[name] == NEVER else state[name]


def _rules(
    rows: tuple[Comparison, ...], tags: list[int], windows: list[int], watched: Collection[str]
) -> Records:
    rules: Records = np.zeros(len(rows), COMPARISON)
    rules["tag"] = tags
    rules["watched"] = [row.key in watched for row in rows]
    rules["window"] = windows
    for field in ("test", "limit", "release", "on_delay_ns", "off_delay_ns"):
        rules[field] = [getattr(row, field) for row in rows]
    return rules


def _blank_states(count: int) -> Records:
    states: Records = np.zeros(count, COMPARISON_STATE)
    states["blind"] = 1
    states["quiet"] = 1
    for field in _STATE_FIELDS:
        if field.endswith("_ns"):
            states[field] = LONG_AGO
    for field in ("due_ns", "onset_ns", "rose_onset_ns", "fell_ns"):
        states[field] = NEVER
    return states
