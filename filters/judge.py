"""The comparisons of a plant brought up to an instant, by one call of a kernel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from filters.comparisons import Comparisons
from filters.image import Image
from filters.layout import Int64s, Table
from filters.series.series import Series

if TYPE_CHECKING:
    from filters.kernels import Kernels

Move = tuple[int, int, int]
"""The row of a comparison, what it did (`filters.machine`: RAISED, ...), and the instant."""

MOVES_PER_COMPARISON: Final = 4
"""In one judgement at most: two delays that end and two changes of sight; of a virtual tag, so often for each
group that it rests on."""


class Judge:
    """Judges what was conditioned since it last did, what has become stale, and what is due."""

    def __init__(
        self, comparisons: Comparisons, series: Series, image: Image, groups: Table, kernels: Kernels
    ) -> None:
        room = MOVES_PER_COMPARISON * series.looks * len(comparisons.rows)
        self._moves: Int64s = np.zeros((room, 3), dtype=np.int64)
        self._run = partial(
            kernels.judge,
            groups,
            comparisons.rules,
            comparisons.states,
            *series.tables,
            image.raw,
            image.scaled,
            image.value,
            image.quality,
            image.boot_ns,
            image.since_boot_ns,
            self._moves,
        )

    def judge(self, now_ns: int) -> tuple[list[Move], int]:
        """Return the moves by `now_ns`, group by group, and the next instant that is due."""
        count, due_ns = self._run(now_ns)
        return self._moves[:count].tolist() if count else [], due_ns
