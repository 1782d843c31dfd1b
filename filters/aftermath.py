"""What becomes of the effects between the verdict on a demand and its end: one comes late, one goes.

A verdict stays what it was. When the demand is over, what came after it is told with that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from config.vocabulary import WitnessState
from filters.demand import Because, Demand, Finding
from filters.event import Figures
from filters.interlock import Expected, Inputs
from filters.sight import Elapsed
from filters.verdict import verdict_figures

_NOT_HELD: Final = "not_held"
_SEPARATOR: Final = ", "


@dataclass(slots=True)
class Aftermath:
    """Of a judged demand: what `late` effects took, and which were `not_held`; by number of the effect."""

    late: dict[int, Elapsed] = field(default_factory=dict)
    not_held: set[int] = field(default_factory=set)

    def look(self, demand: Demand, inputs: Inputs) -> None:
        """Take note of what the inputs show now."""
        for number, effect in enumerate(inputs.effects):
            if number not in self.late and (elapsed := _late(demand, number, effect)) is not None:
                self.late[number] = elapsed
            if _has_gone(demand, effect, inputs):
                self.not_held.add(number)

    def figures(self, inputs: Inputs) -> Figures:
        """Return what the end of the demand says of it: nothing where each effect came in time and stayed."""
        effects = inputs.effects
        late = [(effects[number], _found(effects[number], elapsed)) for number, elapsed in self.late.items()]
        figures = verdict_figures(late) if late else {}
        if self.not_held:
            gone = (effects[number].sight.rule.tag.tag for number in sorted(self.not_held))
            figures[_NOT_HELD] = _SEPARATOR.join(gone)
        return figures


def not_held(figures: Figures) -> list[str]:
    """Return the effects that were gone while the cause stood, from what the end of a demand says."""
    names = figures.get(_NOT_HELD)
    return names.split(_SEPARATOR) if isinstance(names, str) else []


def _late(demand: Demand, number: int, effect: Expected) -> Elapsed | None:
    """Return what an effect of a failure took that came after the verdict; None where that is not late."""
    rise, finding = effect.sight.rise, demand.findings.get(number)
    seen = finding is not None and finding.elapsed is not None
    if demand.verdict is not WitnessState.FAILED or seen or rise is None or rise.by_ns <= demand.verdict_ns:
        return None
    elapsed = demand.began.until(rise)
    return elapsed if finding is not None or elapsed.min_ns > effect.within_ns else None


def _has_gone(demand: Demand, effect: Expected, inputs: Inputs) -> bool:
    """Tell whether an effect was seen to be gone before a sample that still shows the cause."""
    fall = effect.sight.fall
    if fall is None or fall.by_ns <= demand.began.by_ns:
        return False
    return fall.by_ns + inputs.skew_ns < inputs.cause.seen_true_ns


def _found(effect: Expected, elapsed: Elapsed) -> Finding:
    late = elapsed.min_ns > effect.within_ns
    because = Because.LATE if late else Because.BETWEEN_SAMPLES
    return Finding(outcome=WitnessState.FAILED, at_ns=0, elapsed=elapsed, because=because)
