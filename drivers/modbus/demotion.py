"""How often the dead units of a link are asked: seldom enough that the living keep their rate. Pure.

A question to a dead unit costs its timeout, and everybody on the link waits. So the link saves `share` of its
time, and only what is saved is spent on dead units; the one that has waited longest comes first. While nobody
on the link answers, there is nobody to protect, and all are asked as they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GRACE: Final = 2
"""Questions in a row that a unit leaves unanswered before it counts as dead: noise eats one at times."""

_PROVING: Final = 10
"""Answers in a row after which a unit that came back has its grace again."""

_FIRST_WAIT: Final = 4
"""Times what a question costs: the wait before a dead unit is asked for the first time; it doubles."""

_FEWEST_SAVED: Final = 4
"""Questions that a link saves for at most while few units are dead."""


@dataclass(slots=True)
class _Unit:
    failures: int = 0
    proving: int = 0
    dead: bool = False
    tried_s: float = 0.0
    wait_s: float = 0.0


class Demotion:
    """What is known of the units of one link. Times are seconds of one steady clock.

    `cost_s`: the most that a question without an answer costs the link.

    Over any time T, dead units cost the living at most share * T, and once what was saved before (`cost_s`
    for each dead unit and one more, at least `_FEWEST_SAVED`), and `GRACE` questions for each unit that dies.
    One that comes back is asked within `revival_s`.
    """

    def __init__(self, share: float, cost_s: float) -> None:
        self._share = share
        self._cost_s = cost_s
        self._units: dict[int, _Unit] = {}
        self._living: set[int] = set()
        self._saved_s = 0.0
        self._saved_at_s: float | None = None

    @property
    def dead(self) -> list[int]:
        """The units that are asked rarely, those that have waited longest first."""
        dead = [unit_id for unit_id, unit in self._units.items() if unit.dead]
        return sorted(dead, key=lambda unit_id: self._units[unit_id].tried_s)

    def admits(self, unit_id: int, now_s: float) -> bool:
        """Tell whether a unit may be asked now."""
        if self._saved_at_s is None:
            self._saved_at_s = now_s
        unit = self._units.get(unit_id)
        if unit is None or not unit.dead or not self._living:
            return True
        self._save(now_s)
        ahead = self.dead.index(unit_id)
        return now_s >= unit.tried_s + unit.wait_s and self._saved_s >= (ahead + 1) * self._cost_s

    def affords(self, unit_id: int, now_s: float) -> bool:
        """Tell whether a living unit may be asked what it will probably not answer: after the dead ones."""
        self._save(now_s)
        return not self._others(unit_id) or self._saved_s >= (len(self.dead) + 1) * self._cost_s

    def risked(self, unit_id: int, now_s: float) -> None:
        """Hear that a living unit did not answer what it was not expected to."""
        self._save(now_s)
        if self._others(unit_id):
            self._saved_s = max(0.0, self._saved_s - self._cost_s)

    def answered(self, unit_id: int) -> None:
        """Hear that a unit lives."""
        self._living.add(unit_id)
        unit = self._units.get(unit_id)
        if unit is None:
            return
        unit.proving = _PROVING if unit.dead else max(0, unit.proving - 1)
        unit.failures, unit.dead = 0, False

    def unanswered(self, unit_id: int, now_s: float) -> None:
        """Hear that a unit was asked in vain."""
        self._save(now_s)
        self._living.discard(unit_id)
        unit = self._units.setdefault(unit_id, _Unit())
        if (unit.dead or unit.proving) and self._living:
            self._saved_s = max(0.0, self._saved_s - self._cost_s)
        unit.failures += 1
        unit.tried_s = now_s
        unit.dead = unit.dead or unit.proving > 0 or unit.failures >= GRACE
        unit.wait_s = self._next_wait_s(unit) if self._living else 0.0

    def _next_wait_s(self, unit: _Unit) -> float:
        return min(max(_FIRST_WAIT * self._cost_s, 2 * unit.wait_s), self._cost_s / self._share)

    def _others(self, unit_id: int) -> bool:
        return not self._living <= {unit_id}

    def _save(self, now_s: float) -> None:
        since_s = now_s if self._saved_at_s is None else self._saved_at_s
        most_s = max(_FEWEST_SAVED, len(self.dead) + 1) * self._cost_s
        self._saved_s = min(most_s, self._saved_s + self._share * (now_s - since_s))
        self._saved_at_s = now_s


def revival_s(dead: int, share: float, cost_s: float, period_s: float) -> float:
    """Return within how many seconds one of `dead` dead units is asked after it came back.

    Each of them is asked once while `dead * cost_s` are saved, in the first of its scans, `period_s` apart,
    after that; and another may be in the middle of its timeout then.
    """
    return dead * cost_s / share + period_s + cost_s
