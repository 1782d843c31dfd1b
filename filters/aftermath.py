"""What becomes of the effects between the verdict on a demand and its end: one comes late, one goes.

A verdict stays what it was. When the demand is over, what came after it is told with that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from config.vocabulary import WitnessState
from filters.demand import Because, Demand, Finding
from filters.event import Figures
from filters.interlock import Expected, Inputs
from filters.sight import Elapsed
from filters.verdict import verdict_figures


@dataclass(slots=True)
class Aftermath:
    """Of a judged demand: what `late` effects took, and which were `not_held`; by number of the effect."""

    late: dict[int, Elapsed] = field(default_factory=dict)
    not_held: set[int] = field(default_factory=set)

    def look(self, demand: Demand, inputs: Inputs) -> None:
        """Take note of what the inputs show now."""
        for number, effect in enumerate(inputs.effects):
            rise = effect.sight.rise if number not in self.late and _is_owed(demand, number) else None
            if rise is not None and rise.by_ns > demand.verdict_ns:
                elapsed = demand.began.until(rise)
                if elapsed.min_ns > effect.within_ns:  # where another failed first, this may still be in time
                    self.late[number] = elapsed
            if _has_gone(demand, effect, inputs):
                self.not_held.add(number)

    def figures(self, inputs: Inputs) -> Figures:
        """Return what the end of the demand says of it: nothing where each effect came in time and stayed."""
        late = [(inputs.effects[number], _too_late(elapsed)) for number, elapsed in self.late.items()]
        figures = verdict_figures(late) if late else {}
        if self.not_held:
            gone = (inputs.effects[number].sight.rule.tag.tag for number in sorted(self.not_held))
            figures["not_held"] = ", ".join(gone)
        return figures


def _is_owed(demand: Demand, number: int) -> bool:
    """Tell whether an effect of a failure was not seen until the verdict."""
    finding = demand.findings.get(number)
    return demand.verdict is WitnessState.FAILED and (finding is None or finding.elapsed is None)


def _has_gone(demand: Demand, effect: Expected, inputs: Inputs) -> bool:
    """Tell whether an effect was seen to be gone before a sample that still shows the cause."""
    fall = effect.sight.fall
    if fall is None or fall.by_ns <= demand.began.by_ns:
        return False
    return fall.by_ns + inputs.skew_ns < inputs.cause.seen_true_ns


def _too_late(elapsed: Elapsed) -> Finding:
    return Finding(outcome=WitnessState.FAILED, at_ns=0, elapsed=elapsed, because=Because.LATE)
