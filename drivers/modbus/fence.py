"""Addresses that a device refuses: found by halving, kept out of every block, asked for again rarely."""

from __future__ import annotations

from bisect import insort
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from config.vocabulary import Misconduct
from drivers.modbus.admission import NOBODY_THERE
from drivers.modbus.frame import DEVICE_FAILURE
from drivers.modbus.herald import Herald
from drivers.modbus.planner import Block, Place, Range, block_of

BLAMES_ADDRESS: Final = frozenset({2, 3})
"""Exceptions whose reason may be one address within a block, or the block's size."""

UNHEARD: Final = NOBODY_THERE | {Misconduct.SILENT}
"""Codes of failures that cost the time in which nobody answers."""

FIRST_RETRY_S: Final = 60.0
SOON_S: Final = 2.0
"""The first wait where asking costs no timeout and the reason may have been noise: that passes."""

LONGEST_RETRY_S: Final = 3600.0
"""The longest wait while the device serves anything else."""

_LONGEST_FAILURE_S: Final = 60.0  # exception 4: a device's failure may be mended any time
MOST_QUESTIONS: Final = 64
LONGEST_S: Final = 1.0


@dataclass(slots=True)
class _Fenced:
    code: int
    wait_s: float
    due_s: float


class Fence:
    """What one device refused, as far as is known. Times are seconds of any steady clock.

    `version` changes whenever other blocks are to be asked for. `herald` hears what changes.
    """

    def __init__(self, herald: Herald) -> None:
        self.version = 0
        self._herald = herald
        self.cuts: list[Place] = []
        self._fenced: dict[Range, _Fenced] = {}

    def add(self, refused: Range, code: int, now_s: float) -> None:
        """Fence off a range that is refused even when it is asked for alone."""
        self._herald.fenced(refused, code)
        wait_s = FIRST_RETRY_S if code in BLAMES_ADDRESS | UNHEARD else SOON_S
        self._fenced[refused] = _Fenced(code, wait_s, now_s + wait_s)
        self.cut(Place(refused.function_code, refused.start))
        self.cut(Place(refused.function_code, refused.end))

    def cut(self, place: Place) -> None:
        """Let no block of several ranges lie across `place` any more."""
        if place not in self.cuts:
            insort(self.cuts, place)
        self.version += 1

    def code_of(self, wanted: Range) -> int | None:
        """Return the exception code for which a range is fenced off; None where it is not."""
        fenced = self._fenced.get(wanted)
        return None if fenced is None else fenced.code

    def take_due(self, now_s: float, longest_s: float = LONGEST_RETRY_S) -> Range | None:
        """Return a fenced range that may be asked for again; its next turn comes after twice the wait.

        `longest_s`: and after no longer than this.
        """
        for refused, fenced in self._fenced.items():
            if fenced.due_s <= now_s:
                most_s = _LONGEST_FAILURE_S if fenced.code == DEVICE_FAILURE else LONGEST_RETRY_S
                fenced.wait_s = min(2 * fenced.wait_s, longest_s, most_s)
                fenced.due_s = now_s + fenced.wait_s
                return refused
        return None

    def clear(self) -> None:
        """Forget everything: a fenced address was answered, so the device is no longer what it was."""
        self._herald.cleared(len(self._fenced))
        self._fenced.clear()
        self.cuts.clear()
        self.version += 1


@dataclass(slots=True)
class Effort:
    """Questions and time that one scan spends on finding out; the scans after it find the rest."""

    until_s: float
    questions: int = MOST_QUESTIONS

    def is_left(self, now_s: float) -> bool:
        """Tell whether another question may be asked."""
        return self.questions > 0 and now_s < self.until_s


Ask = Callable[[Block], Awaitable[int]]
"""Reads a block for its exception code alone; 0 is an answer."""


async def find_refused(
    block: Block, code: int, fence: Fence, ask: Ask, effort: Effort, now_s: Callable[[], float]
) -> None:
    """Halve a block that was refused with `code` until every range that is refused alone is fenced.

    Where both halves are answered, the gap between them or the size of the whole was at fault: a cut keeps
    them apart. Gives up when no effort is left, or where `ask` raises; what is refused still is cut off from
    the rest then, so that the next scan goes on from there.
    """
    refused = [(block, code)]
    try:
        while refused and effort.is_left(now_s()):
            block, code = refused[-1]
            guilty = await _guilty_part(block, code, fence, ask, effort, now_s)
            refused[-1:] = guilty
    finally:
        for left, _ in refused:
            fence.cut(Place(left.function_code, left.start))
            fence.cut(Place(left.function_code, left.start + left.count))


async def _guilty_part(
    block: Block, code: int, fence: Fence, ask: Ask, effort: Effort, now_s: Callable[[], float]
) -> list[tuple[Block, int]]:
    """Return which halves of a refused block are refused too; a single range that is gets fenced off."""
    if len(block.ranges) == 1:
        effort.questions -= 1
        if await ask(block) in BLAMES_ADDRESS:  # asked again, for a fence costs a minute of data
            fence.add(block.ranges[0], code, now_s())
        return []
    middle = len(block.ranges) // 2
    halves = [block_of(block.ranges[:middle]), block_of(block.ranges[middle:])]
    effort.questions -= 2
    codes: list[int] = []
    try:
        codes = [await ask(half) for half in halves]
    finally:
        if not any(codes):
            fence.cut(Place(block.function_code, halves[1].start))
    return [(half, code) for half, code in zip(halves, codes, strict=True) if code in BLAMES_ADDRESS]
