"""Several causes of one interlock, seen as one: MooN voting (IEC 61511) over what samples can say.

The vote is *true* when as many as needed are true, whatever the others are; it is *false* when not even with
every unreadable one there would be as many; between, it cannot be told: Bad. So a 2oo3 with one unreadable
input still demands when both others are true, and still denies when both are false.

Its changes are those at which the count was reached: the M-th of the rises, the N-M+1-th of the falls. Where
each of these lies between two samples, so does the one that is counted: between the same places of both.
"""

from __future__ import annotations

from filters.layout import LONG_AGO
from filters.sight import Change, Sight

_ALWAYS = Change(LONG_AGO, LONG_AGO, LONG_AGO)


class Vote:
    """So many of several sights; stands where a `Sight` could. `look` brings it up to date."""

    def __init__(self, parts: tuple[Sight, ...], needed: int) -> None:
        self.parts = parts
        self.rise: Change | None = None
        self.fall: Change | None = None
        self.true = False
        self._needed = needed

    @property
    def words(self) -> str:
        """The voting as it is written: `2oo3`."""
        return f"{self._needed}oo{len(self.parts)}"

    @property
    def bad(self) -> bool:
        """Whether it is true depends on what cannot be read."""
        return self._count() < self._needed <= self._count() + sum(sight.bad for sight in self.parts)

    @property
    def stirring(self) -> bool:
        """Raw numbers have begun to show what the despiked values do not show yet."""
        return not self.true and sum(s.true or s.stirring for s in self.parts) >= self._needed

    @property
    def seen_true_ns(self) -> int:
        """When usable raw samples last showed it true; LONG_AGO."""
        return sorted((sight.seen_true_ns for sight in self.parts), reverse=True)[self._needed - 1]

    @property
    def seen_false_ns(self) -> int:
        """When usable raw samples last showed it false; LONG_AGO."""
        return sorted((sight.seen_false_ns for sight in self.parts), reverse=True)[-self._needed]

    def look(self) -> None:
        """Note whether it has changed; while it is Bad it has not."""
        now = self._count() >= self._needed
        if self.bad or now == self.true:
            return
        self.true = now
        readable = [sight for sight in self.parts if not sight.bad and sight.true == now]
        if now:
            self.rise = _reached([sight.rise for sight in readable], self._needed)
        else:
            self.fall = _reached([sight.fall for sight in readable], len(self.parts) - self._needed + 1)

    def resume(self, rise: Change) -> None:
        """Take up that it was true before a restart."""
        self.true, self.rise = True, rise

    def _count(self) -> int:
        return sum(sight.true and not sight.bad for sight in self.parts)


def _reached(changes: list[Change | None], count: int) -> Change:
    """Return the change with which a count was reached; what never changed was so from the beginning."""
    known = [change or _ALWAYS for change in changes]
    return Change(
        after_ns=sorted(change.after_ns for change in known)[count - 1],
        onset_ns=sorted(change.onset_ns for change in known)[count - 1],
        by_ns=sorted(change.by_ns for change in known)[count - 1],
    )
