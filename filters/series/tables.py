"""Derived series as tables: the steps that compute them, and which scan groups renew which of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from config.expression.operations import Apply, Bound, Constant, Input, Op, inputs_of
from config.plant import Plant
from config.resolve import samples_kept
from config.series import Virtual
from filters.layout import LONG_AGO, NEVER, STEP, Records

Row = tuple[Op, int, int, float, int, int, int]
"""The fields of a step up to its part of the ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What computes the virtual tags of a plant.

    `steps_of`: first and end of the steps of each virtual group. `samples`: how many the ring holds.
    """

    steps: Records
    steps_of: list[tuple[int, int]]
    samples: int


def compile_series(plant: Plant) -> Program:
    """Return the tables for the expressions of a plant."""
    compiler = _Compiler(plant)
    steps_of = []
    for group in plant.virtual_groups:
        first = len(compiler.rows)
        compiler.known.clear()
        for number in range(group.first, group.first + group.count):
            compiler.virtual(plant.virtuals[number], len(plant.tags) + number)
        steps_of.append((first, len(compiler.rows)))
    return Program(steps=_table(compiler), steps_of=steps_of, samples=compiler.samples)


@dataclass(slots=True)
class _Compiler:
    """Writes steps; what two expressions of one group have in common is computed once."""

    plant: Plant
    rows: list[Row] = field(default_factory=list)
    constants: dict[int, float] = field(default_factory=dict)
    known: dict[Bound, int] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    samples: int = 0

    def virtual(self, virtual: Virtual, number: int) -> None:
        """Compute one virtual tag and store it."""
        step = self._add(Op.STORE, self._step(virtual.bound), number, span_ns=virtual.skew_ns)
        self.stored[virtual.name] = step

    def _step(self, bound: Bound) -> int:
        if bound not in self.known:
            self.known[bound] = self._new_step(bound)
        return self.known[bound]

    def _new_step(self, bound: Bound) -> int:
        if isinstance(bound, Input):
            if bound.name in self.stored:
                return self.stored[bound.name]
            return self._add(Op.LOAD, self.plant.number_of[bound.name])
        if isinstance(bound, Constant):
            step = self._add(Op.CONSTANT, -1)
            self.constants[step] = bound.number
            return step
        steps = [self._step(part) for part in bound.inputs]
        if bound.op is Op.TALLY:
            steps.reverse()  # the vote, and behind it the votes before
        left, right = [*steps, -1][:2]
        room = samples_kept(bound, self._periods_ns(bound))
        return self._add(bound.op, left, right, number=bound.number, span_ns=bound.span_ns, room=room)

    def _add(
        self, op: Op, left: int, right: int = -1, *, number: float = 0.0, span_ns: int = 0, room: int = 0
    ) -> int:
        first, self.samples = self.samples, self.samples + room
        self.rows.append((op, left, right, number, span_ns, first, self.samples))
        return len(self.rows) - 1

    def _periods_ns(self, bound: Apply) -> list[int]:
        keys = {key for name in inputs_of(bound) for key in self._groups_of(name)}
        classes = self.plant.description.scan_classes
        return [classes[scan_class].period for _, scan_class in keys]

    def _groups_of(self, name: str) -> frozenset[tuple[str, str]]:
        virtual = self.plant.virtual(name)
        if virtual is not None:
            return virtual.groups
        tag = self.plant.signal(name)
        return frozenset([(tag.device, tag.scan_class)])


def _table(compiler: _Compiler) -> Records:
    steps: Records = np.zeros(len(compiler.rows), STEP)
    names = ("op", "left", "right", "number", "span_ns", "first_sample", "end_sample")
    for place, name in enumerate(names):
        steps[name] = [row[place] for row in compiler.rows]
    for field_name in ("newest_ns", "since_ns", "seen_ns"):
        steps[field_name] = LONG_AGO
    steps["oldest_ns"] = steps["blind_ns"] = NEVER
    for step, number in compiler.constants.items():
        steps["value"][step] = steps["shown"][step] = number
    return steps


def renewals(plant: Plant) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the virtual groups that rest on each scan group, and where those of each begin and end.

    They are numbered behind the scan groups.
    """
    listed: list[int] = []
    places: list[tuple[int, int]] = []
    for group in plant.groups:
        first = len(listed)
        listed += [
            len(plant.groups) + number
            for number, virtual in enumerate(plant.virtual_groups)
            if group.number in virtual.groups
        ]
        places.append((first, len(listed)))
    return listed, places
