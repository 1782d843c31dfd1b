"""Effects that came without a cause, so far: SPURIOUS if no demand is told in time."""

from __future__ import annotations

from config.vocabulary import EventKind, WitnessState
from filters.demand import Because, Demand
from filters.event import Event, Figures
from filters.interlock import Inputs
from filters.layout import NEVER
from filters.mode import Mode
from filters.sight import Change
from filters.testimony import Testimony


class Suspects:
    """The effects of one interlock that changed to true while it was armed and nothing was demanded.

    `standing`: their changes, by number of the effect. `accused`: the rows of those that were told last, and
    when each changed.
    """

    def __init__(self, inputs: Inputs, mode: Mode, testimony: Testimony) -> None:
        self.standing: dict[int, Change] = {}
        self.accused: dict[int, int] = {}
        self._inputs = inputs
        self._mode = mode
        self._testimony = testimony
        self._blind = False

    @property
    def due_ns(self) -> int:
        """When the oldest of them is decided; not while an input cannot be read."""
        if not self.standing or self._mode.now is not WitnessState.ARMED:
            return NEVER
        waits_ns, patience_ns = self._inputs.spurious_after_ns, self._inputs.patience_ns
        first_ns = min(rise.by_ns for rise in self.standing.values())
        readable_ns = self._mode.since_ns + (waits_ns if self._blind else patience_ns)
        return max(first_ns + waits_ns, readable_ns)

    def step(self, now_ns: int, raised: set[int], demand: Demand | None, *, was_armed: bool) -> list[Event]:
        """Take in the effects among the `raised` rows, drop what is explained, tell what is spurious.

        An input that cannot be read decides nothing. Where that lasted, the event says so: what was not seen
        may have been the cause.
        """
        self.accused = {}
        if not self._inputs.exclusive or self._mode.now in (WitnessState.DISARMED, WitnessState.BYPASSED):
            self.standing.clear()
        self._blind &= bool(self.standing)
        if self._mode.now is WitnessState.UNKNOWN:
            unknown_ns = now_ns - self._mode.since_ns
            self._blind |= bool(self.standing) and unknown_ns >= self._inputs.patience_ns
            return []
        if demand is not None:
            explained = [n for n, rise in self.standing.items() if rise.by_ns >= demand.counts_from_ns]
            self._drop(explained)
        elif was_armed and self._inputs.exclusive and self._mode.now is WitnessState.ARMED:
            self.standing |= self._risen(raised)
        due_ns = self.due_ns
        return [self._accuse(due_ns)] if due_ns <= now_ns else []

    def excuse(self, row: int, since_ns: int) -> None:
        """Drop an effect that changed at `since_ns` or later: another interlock has explained or told it."""
        effects = self._inputs.effects
        self._drop(
            [n for n, c in self.standing.items() if effects[n].sight.row == row and c.by_ns >= since_ns]
        )

    def _drop(self, numbers: list[int]) -> None:
        for number in numbers:
            del self.standing[number]

    def _risen(self, raised: set[int]) -> dict[int, Change]:
        """Return the effects that changed to true just now."""
        return {
            number: effect.sight.rise
            for number, effect in enumerate(self._inputs.effects)
            if effect.sight.row in raised and effect.sight.rise is not None
        }

    def _accuse(self, due_ns: int) -> Event:
        """Return one event for all of them."""
        sights = {number: self._inputs.effects[number].sight for number in self.standing}
        first_ns = min(rise.by_ns for rise in self.standing.values())
        self.accused = {sights[number].row: rise.by_ns for number, rise in self.standing.items()}
        self.standing.clear()
        figures: Figures = {}
        if self._inputs.cause.seen_true_ns >= first_ns - self._inputs.spurious_after_ns:
            figures["because"] = Because.CAUSE_NOT_DECLARED.value
        elif self._blind:
            figures["because"] = Because.INPUT_BAD.value
        self._blind = False
        return self._testimony.say(
            EventKind.INTERLOCK_SPURIOUS,
            first_ns,
            shown_ns=due_ns,
            inputs=[*sights.values(), *self._inputs.cause.parts],
            figures=figures,
        )
