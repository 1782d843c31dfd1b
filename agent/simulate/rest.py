"""A plant at rest: values with which no rule is demanded, and every interlock is armed and waits.

Found by changing one value after the other, as long as that leaves fewer rules unsatisfied: plants contradict
themselves rarely, and where one does, what is worse stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.simulate.steady import steady
from config.expression.operations import Apply, Bound, Constant, Input, Kind, Op, parts_of
from config.plant import Plant
from config.rules import Condition
from config.series import Virtual, when_name

_MOST_CHANGES: Final = 1000
_DEMAND: Final = 4
"""What a false demand weighs."""

_STANDING: Final = 1
"""What it weighs that an interlock is not as it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A condition of a rule that shall be true or not at rest. `tags`: what it rests on, without series."""

    bound: Bound
    holds: bool
    weight: int
    tags: tuple[str, ...]

    def met(self, value_of: Callable[[str], float]) -> bool:
        """Tell whether it is so with these values."""
        return bool(steady(self.bound, value_of)) is self.holds


class Rest:
    """What the rules of a plant want of its values.

    `wants`: of every interlock and every alarm by expression. Limits of tags are no wants: whoever offers
    values keeps to them.
    """

    def __init__(self, plant: Plant) -> None:
        self._series = {virtual.name: virtual for virtual in plant.virtuals}
        self.wants = tuple(self._wants(plant))

    @property
    def tags(self) -> dict[str, None]:
        """Every tag that a want rests on, each once."""
        return {tag: None for want in self.wants for tag in want.tags}

    def found(self, candidates: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Return a value for every tag of the wants, out of its candidates: the first that serves."""
        values = {tag: candidates[tag][0] for tag in self.tags}
        for _ in range(_MOST_CHANGES):
            change = self._best_change(values, candidates)
            if not change:
                break
            values |= change
        return values

    def unmet(self, values: Mapping[str, float]) -> list[Want]:
        """Return the wants that are not met with these values."""
        return [want for want in self.wants if not want.met(self._reader(values))]

    def under(self, ops: Iterable[Op]) -> set[str]:
        """Return the tags that stand beneath one of these operations in some want."""
        asked = frozenset(ops)
        parts = (part for want in self.wants for part in self._all_parts(want.bound))
        found = (part for part in parts if isinstance(part, Apply) and part.op in asked)
        return {tag for part in found for tag in self._tags_of(part)}

    def numbers_beside(self, tag: str) -> set[float]:
        """Return the numbers in the wants that rest on a tag: what it may be compared with."""
        bounds = (want.bound for want in self.wants if tag in want.tags)
        parts = (part for bound in bounds for part in self._all_parts(bound))
        return {part.number for part in parts if isinstance(part, Constant) and part.kind is Kind.NUMBER}

    def _best_change(
        self, values: dict[str, float], candidates: Mapping[str, Sequence[float]]
    ) -> dict[str, float]:
        """Return the change that leaves the least unmet; nothing where none is better than now."""
        single = _changes(self.unmet(values), candidates)
        return self._best_of(single, values) or self._best_of(self._repaired(values, candidates), values)

    def _best_of(self, changes: Iterable[dict[str, float]], values: dict[str, float]) -> dict[str, float]:
        best: dict[str, float] = {}
        least = 0
        for change in changes:
            touched = self._touched(change)
            gain = self._cost(touched, values | change) - self._cost(touched, values)
            if gain < least:
                best, least = change, gain
        return best

    def _repaired(
        self, values: dict[str, float], candidates: Mapping[str, Sequence[float]]
    ) -> Iterator[dict[str, float]]:
        """Yield what may help together with a second change, for what the first one makes worse."""
        for change in _changes(self.unmet(values), candidates):
            read = self._reader(values | change)
            worse = [want for want in self._touched(change) if not want.met(read)]
            for repair in _changes(worse, candidates):
                yield repair | change

    def _touched(self, change: Mapping[str, float]) -> list[Want]:
        return [want for want in self.wants if not change.keys().isdisjoint(want.tags)]

    def _cost(self, wants: Iterable[Want], values: Mapping[str, float]) -> int:
        read = self._reader(values)
        return sum(want.weight for want in wants if not want.met(read))

    def _reader(self, values: Mapping[str, float]) -> Callable[[str], float]:
        def read(name: str) -> float:
            virtual = self._series.get(name)
            return values[name] if virtual is None else steady(virtual.bound, read)

        return read

    def _wants(self, plant: Plant) -> Iterator[Want]:
        for name in plant.alarm_rules:
            yield self._want(Input(name=when_name(name), kind=Kind.TRUTH), holds=False, weight=_DEMAND)
        for interlock in plant.interlocks:
            for cause in interlock.causes:
                if cause.limit is None:
                    yield self._want(_compared(cause), holds=False, weight=_DEMAND)
            for effect in interlock.effects:
                yield self._want(_compared(effect), holds=False, weight=_STANDING)
            standing = ((interlock.armed_when, True), (interlock.ready_when, True))
            for condition, holds in (*standing, (interlock.bypassed_when, False)):
                if condition is not None:
                    yield self._want(_compared(condition), holds=holds, weight=_STANDING)

    def _want(self, bound: Bound, *, holds: bool, weight: int) -> Want:
        return Want(bound=bound, holds=holds, weight=weight, tags=tuple(self._tags_of(bound)))

    def _tags_of(self, bound: Bound) -> dict[str, None]:
        inputs = (part for part in self._all_parts(bound) if isinstance(part, Input))
        return {part.name: None for part in inputs if part.name not in self._series}

    def _all_parts(self, bound: Bound) -> Iterator[Bound]:
        """Yield the parts of an expression and of every series in it."""
        for part in parts_of(bound):
            yield part
            virtual: Virtual | None = self._series.get(part.name) if isinstance(part, Input) else None
            if virtual is not None:
                yield from self._all_parts(virtual.bound)


def _changes(unmet: Iterable[Want], candidates: Mapping[str, Sequence[float]]) -> Iterator[dict[str, float]]:
    """Yield what may help: one value alone, or all of a want to the candidates of the same rank."""
    for want in unmet:
        for tag in want.tags:
            yield from ({tag: candidate} for candidate in candidates[tag])
        ranks = max((len(candidates[tag]) for tag in want.tags), default=0)
        for rank in range(ranks if len(want.tags) > 1 else 0):
            yield {tag: candidates[tag][min(rank, len(candidates[tag]) - 1)] for tag in want.tags}


def _compared(condition: Condition) -> Bound:
    """Return a condition that names a tag as an expression."""
    asked = ((Op.ABOVE, condition.above), (Op.BELOW, condition.below), (Op.EQUAL, condition.equals))
    op, number = next((op, number) for op, number in asked if number is not None)
    inputs = (Input(name=condition.tag, kind=Kind.NUMBER), Constant(number=float(number), kind=Kind.NUMBER))
    return Apply(op=op, inputs=inputs, kind=Kind.TRUTH)
