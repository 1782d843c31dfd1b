"""Blocks that a device leaves unanswered while it answers others: some fall silent at a wrong address.

Pure. Such a block looks like a dead device until something else is asked, and every question about it costs a
timeout. So it is asked last, then only at the link's leisure, and halved until the address is known.
"""

from __future__ import annotations

from typing import Final

from drivers.modbus.fence import Fence
from drivers.modbus.planner import Block, Place, Range

ENOUGH: Final = 4
"""Times in a row that a block is missed, but for the first beside answers to others, until it is blamed."""

_HALF_KNOWN: Final = ENOUGH - 1  # of the halves of a block that was missed so often
SILENT: Final = 0
"""In place of the exception with which other devices refuse an address."""


class Silence:
    """What one device leaves unanswered, by value; what is found out goes to the fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._missed: dict[Range, int] = {}

    @property
    def any_missed(self) -> bool:
        """Whether any block was missed and not answered since."""
        return bool(self._missed)

    def suspects(self, block: Block) -> bool:
        """Tell whether a block was missed and not answered since: it is asked after the others."""
        return any(wanted in self._missed for wanted in block.ranges)

    def is_risky(self, block: Block) -> bool:
        """Tell whether a block was missed while others were answered: very likely it will be again."""
        return any(self._missed.get(wanted, 0) > 1 for wanted in block.ranges)

    def answered(self, block: Block) -> None:
        """Hear that a block brought an answer, be it a refusal."""
        if not self._missed:
            return
        for wanted in block.ranges:
            self._missed.pop(wanted, None)

    def missed(self, block: Block, *, alive: bool, now_s: float) -> None:
        """Hear that a block brought none; `alive`: the device answered others in the same scan."""
        times = max(self._missed.get(wanted, 0) for wanted in block.ranges)
        times = times + 1 if alive else max(1, times)
        if times < ENOUGH:
            self._missed.update(dict.fromkeys(block.ranges, times))
            return
        self.answered(block)
        if len(block.ranges) == 1:
            self._fence.add(block.ranges[0], SILENT, now_s)
            return
        self._fence.cut(Place(block.function_code, block.ranges[len(block.ranges) // 2].start))
        self._missed.update(dict.fromkeys(block.ranges, _HALF_KNOWN))
