"""Effects that came without a cause, so far: SPURIOUS if no demand is told in time."""

from __future__ import annotations

from config.vocabulary import EventKind
from filters.demand import Because, Demand
from filters.event import Event, Figures
from filters.interlock import Inputs
from filters.layout import NEVER
from filters.sight import Change, Sight
from filters.testimony import Testimony


class Suspects:
    """The effects of one interlock that changed to true while it was armed and nothing was demanded.

    `accused`: the rows of those that were told last, and when each changed.
    """

    def __init__(self, inputs: Inputs, testimony: Testimony) -> None:
        self._inputs = inputs
        self._testimony = testimony
        self._suspects: list[tuple[Sight, Change]] = []
        self.accused: dict[int, int] = {}

    @property
    def due_ns(self) -> int:
        """When the oldest of them is decided."""
        waits_ns = self._inputs.spurious_after_ns
        return min((rise.by_ns + waits_ns for _, rise in self._suspects), default=NEVER)

    def step(self, now_ns: int, raised: set[int], demand: Demand | None, *, armed: bool) -> list[Event]:
        """Take in the effects among the `raised` rows, drop what is explained, tell what is spurious."""
        self.accused = {}
        if not (armed and self._inputs.exclusive):
            self._suspects.clear()
            return []
        if demand is None:
            self._suspects += self._risen(raised)
        else:
            self._suspects = [one for one in self._suspects if one[1].by_ns < demand.counts_from_ns]
        due_ns = self.due_ns
        if now_ns < due_ns:
            return []
        return [self._accuse(due_ns)]

    def excuse(self, row: int, since_ns: int) -> None:
        """Drop an effect that changed at `since_ns` or later: another interlock has explained or told it."""
        self._suspects = [one for one in self._suspects if one[0].row != row or one[1].by_ns < since_ns]

    def _risen(self, raised: set[int]) -> list[tuple[Sight, Change]]:
        """Return the effects that changed to true just now."""
        sights = [effect.sight for effect in self._inputs.effects if effect.sight.row in raised]
        return [(sight, rise) for sight in sights if (rise := sight.rise) is not None]

    def _accuse(self, due_ns: int) -> Event:
        """Return one event for all of them."""
        sights = [sight for sight, _ in self._suspects]
        first_ns = min(rise.by_ns for _, rise in self._suspects)
        self.accused = {sight.row: rise.by_ns for sight, rise in self._suspects}
        self._suspects = []
        figures: Figures = {}
        if self._inputs.cause.seen_true_ns >= first_ns - self._inputs.spurious_after_ns:
            figures["because"] = Because.CAUSE_NOT_DECLARED.value
        return self._testimony.say(
            EventKind.INTERLOCK_SPURIOUS,
            first_ns,
            shown_ns=due_ns,
            inputs=[*sights, *self._inputs.cause.parts],
            figures=figures,
        )
