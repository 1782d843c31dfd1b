"""What the witness sees of one input: true, false or Bad, and between which samples it changed."""

from __future__ import annotations

from dataclasses import dataclass

from filters.comparisons import Comparisons
from filters.layout import LONG_AGO, NEVER, moved
from filters.machine import ACTIVE


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A time between two changes: at least `min_ns`; at most `max_ns`, None where nothing bounds it."""

    min_ns: int
    max_ns: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that happened after one sample and at or before the next: in (`after_ns`, `by_ns`].

    `after_ns` is LONG_AGO where no earlier sample showed otherwise. `onset_ns` is the first raw sample that
    showed the change; it is before `by_ns` only where a median let it flicker.
    """

    after_ns: int
    onset_ns: int
    by_ns: int

    def moved(self, by_ns: int) -> Change:
        """Return this change on a clock that reads `by_ns` more."""
        return Change(*(moved(instant, by_ns) for instant in (self.after_ns, self.onset_ns, self.by_ns)))

    def healed(self, now_ns: int) -> Change:
        """Return this change; where its onset is no time that has been, as one that nobody saw before now."""
        return self if self.onset_ns <= now_ns else Change(LONG_AGO, now_ns, now_ns)

    def until(self, later: Change) -> Elapsed:
        """Return the time from this change to another; where that came first, it is 0."""
        return Elapsed(
            min_ns=max(0, later.after_ns - self.by_ns),
            max_ns=None if self.after_ns == LONG_AGO else max(0, later.by_ns - self.after_ns),
        )


def last_of(changes: list[Change]) -> Change:
    """Return the change after which all of them had happened."""
    return Change(
        after_ns=max(change.after_ns for change in changes),
        onset_ns=max(change.onset_ns for change in changes),
        by_ns=max(change.by_ns for change in changes),
    )


class Sight:
    """One input of an interlock, as a row of the comparisons; everything is read from its state."""

    def __init__(self, comparisons: Comparisons, key: str) -> None:
        self.row = comparisons.number_of[key]
        self.tag = comparisons.tag_of[self.row]
        self.rule = comparisons.rows[self.row]
        self._state = comparisons.states[self.row]

    @property
    def parts(self) -> tuple[Sight, ...]:
        """What it consists of: itself (`filters.vote`)."""
        return (self,)

    @property
    def bad(self) -> bool:
        """Its newest reading is Bad: it shows nothing."""
        return bool(self._state["blind"])

    @property
    def true(self) -> bool:
        """Its newest usable reading made it true (where it is Bad now, that is history)."""
        return bool(self._state["phase"] >= ACTIVE)

    @property
    def stirring(self) -> bool:
        """Its raw number has begun to show what the despiked value does not show yet."""
        return not self.true and self._state["onset_ns"] != NEVER

    @property
    def rise(self) -> Change | None:
        """Its newest change to true; None where it never was."""
        if self._state["rose_ns"] == LONG_AGO:
            return None
        return Change(
            after_ns=int(self._state["rose_before_ns"]),
            onset_ns=int(self._state["rose_onset_ns"]),
            by_ns=int(self._state["rose_ns"]),
        )

    @property
    def fall(self) -> Change | None:
        """Its newest change to false; None where it never did."""
        by_ns = int(self._state["fell_ns"])
        if by_ns == NEVER:
            return None
        return Change(after_ns=int(self._state["fell_before_ns"]), onset_ns=by_ns, by_ns=by_ns)

    @property
    def seen_true_ns(self) -> int:
        """When a usable raw sample last showed it true; LONG_AGO."""
        return int(self._state["met_ns"])

    @property
    def seen_false_ns(self) -> int:
        """When a usable raw sample last showed it false; LONG_AGO."""
        return int(self._state["quiet_ns"])
