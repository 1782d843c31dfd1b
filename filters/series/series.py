"""The derived series of a plant, laid out for the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from config.plant import Plant
from filters.layout import GROUP, NEVER, Int64s, Records
from filters.series.tables import compile_series, renewals

if TYPE_CHECKING:
    from filters.kernels import Kernels


class Series:
    """The tables of the derived series and the samples that they remember.

    `tables`: what the kernel takes of them: `renewals` int64[k], steps, and a ring of samples with their
    times. `places`: where in the first each scan group's virtual groups lie, int64[groups, 2]. `looks`: how
    often, at most, one virtual group is renewed in one judgement.
    """

    def __init__(self, plant: Plant, kernels: Kernels) -> None:
        self._plant = plant
        self._program = compile_series(plant)
        listed, places = renewals(plant)
        self.places: Int64s = np.array(places, dtype=np.int64).reshape(len(plant.groups), 2)
        self.looks = max((len(group.groups) for group in plant.virtual_groups), default=1)
        self.tables = (
            np.array(listed, dtype=np.int64),
            kernels.lay(self._program.steps),
            kernels.lay(np.zeros(self._program.samples)),
            kernels.lay(np.zeros(self._program.samples, dtype=np.int64)),
        )

    def groups(self) -> Records:
        """Return the rows of the virtual groups."""
        virtual_groups = self._plant.virtual_groups
        rows: Records = np.zeros(len(virtual_groups), GROUP)
        first = len(self._plant.tags)
        for row, group, steps in zip(rows, virtual_groups, self._program.steps_of, strict=True):
            row["first_tag"], row["end_tag"] = first + group.first, first + group.first + group.count
            row["first_step"], row["end_step"] = steps
            members = self._plant.virtuals[group.first : group.first + group.count]
            row["period_ns"] = min(virtual.fastest_ns for virtual in members)
            row["stale_after_ns"] = NEVER
        return rows
