"""Effects that several interlocks have in common: one valve that many causes close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from filters.interlock import Inputs
from filters.sight import Sight

Others = list[tuple[str, int]]
"""Interlocks with the same effect, each with the row of its own comparison."""


class SharedEffects:
    """Who has which effect in common with whom."""

    def __init__(self, inputs: Mapping[str, Inputs]) -> None:
        holders: dict[tuple[str, int, float], Others] = {}
        for name, found in inputs.items():
            for effect in found.effects:
                holders.setdefault(_identity(effect.sight), []).append((name, effect.sight.row))
        self._inputs = inputs
        self._of: dict[str, dict[int, Others]] = {name: {} for name in inputs}
        for shared in holders.values():
            for name, row in shared:
                others = [one for one in shared if one[0] != name]
                if others:
                    self._of[name][row] = others

    def of(self, name: str) -> Mapping[int, Others]:
        """Return the effects of an interlock that others have, too, by their rows."""
        return self._of[name]

    def patient(self, name: str, found: Inputs) -> Inputs:
        """Return the inputs of an interlock that waits as long for a cause as any that shares its effects."""
        sharers = {other for others in self._of[name].values() for other, _ in others}
        waits_ns = [self._inputs[other].spurious_after_ns for other in sharers]
        return replace(found, spurious_after_ns=max([found.spurious_after_ns, *waits_ns]))


def _identity(sight: Sight) -> tuple[str, int, float]:
    return sight.rule.tag.tag, sight.rule.test, sight.rule.limit
