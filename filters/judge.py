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

MOVE_COLUMNS: Final = 5
"""Of a move: the row of a comparison, what it did (`filters.machine`: RAISED, ...), the instant, and of its
newest activation the onset and the last raw sample before."""

MOVES_PER_COMPARISON: Final = 4
"""In one judgement at most: two delays that end and two changes of sight; of a virtual tag, so often for each
group that it rests on."""


class Judge:
    """Judges what was conditioned since it last did, what has become stale, and what is due."""

    def __init__(
        self, comparisons: Comparisons, series: Series, image: Image, groups: Table, kernels: Kernels
    ) -> None:
        room = MOVES_PER_COMPARISON * series.looks * len(comparisons.rows)
        self._moves: Int64s = np.zeros((room, MOVE_COLUMNS), dtype=np.int64)
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

    def judge(self, now_ns: int) -> tuple[Int64s, int]:
        """Return the moves by `now_ns`, int64[k, MOVE_COLUMNS], and the next instant that is due.

        The moves lie group by group and are valid until the next call.
        """
        count, due_ns = self._run(now_ns)
        return self._moves[:count], due_ns
