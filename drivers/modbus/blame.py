"""Blocks that a device fails while it answers others: at some wrong addresses devices do not simply refuse.

Pure. They fall silent there, hang up, answer too short, or report a failure; each looks like a device that
is lost as a whole until something else is asked. So a block that failed is asked for last, and halved until
the address is known. One that nobody answers costs a timeout each time: it is asked at the link's leisure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.vocabulary import Misconduct
from drivers.contract import Desync, DeviceError, DeviceRefused, DeviceTimeout, LinkDown
from drivers.modbus.admission import BUSY
from drivers.modbus.fence import BLAMES_ADDRESS, UNHEARD, Fence
from drivers.modbus.planner import Block, Place, Range

ENOUGH: Final = 4
"""Times in a row that a block is missed, but for the first beside answers to others, until it is blamed."""

_HALF_KNOWN: Final = ENOUGH - 1  # of the halves of a block that was missed so often


def code_of(error: DeviceError) -> int | None:
    """Return as what a failure counts against the block that brought it; None: it says nothing of addresses.

    Exceptions 2 and 3 blame an address at once, see `find_refused`; who is busy says so to everybody.
    """
    match error:
        case DeviceTimeout():
            return Misconduct.SILENT
        case Desync():
            return Misconduct.GARBLED
        case LinkDown():
            return Misconduct.HUNG_UP
        case DeviceRefused() if error.detail not in BUSY | BLAMES_ADDRESS:
            return error.detail
    return None


@dataclass(frozen=True, slots=True)
class _Missed:
    times: int
    code: int


class Blame:
    """What one device does not answer as it should, by value; what is found out goes to the fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._missed: dict[Range, _Missed] = {}

    @property
    def any_missed(self) -> bool:
        """Whether any block was missed and not answered since."""
        return bool(self._missed)

    def suspects(self, block: Block) -> bool:
        """Tell whether a block was missed and not answered since: it is asked after the others."""
        return any(wanted in self._missed for wanted in block.ranges)

    def is_risky(self, block: Block) -> bool:
        """Tell whether a block went unheard while others were answered: very likely it will again."""
        known = [self._missed[wanted] for wanted in block.ranges if wanted in self._missed]
        return any(missed.times > 1 and missed.code in UNHEARD for missed in known)

    def answered(self, block: Block) -> None:
        """Hear that a block brought an answer, or a refusal that speaks for itself."""
        if not self._missed:
            return
        for wanted in block.ranges:
            self._missed.pop(wanted, None)

    def missed(self, block: Block, code: int, *, alive: bool, now_s: float) -> None:
        """Hear that a block brought none; `alive`: the device answered others in the same scan."""
        known = [self._missed[wanted] for wanted in block.ranges if wanted in self._missed]
        times = max((missed.times for missed in known), default=0)
        times = times + 1 if alive else max(1, times)
        if any(missed.code != code for missed in known):
            code = Misconduct.GARBLED  # now this, now that: it may be noise
        if times < ENOUGH:
            self._note(block, times, code)
        elif len(block.ranges) == 1:
            self.answered(block)
            self._fence.add(block.ranges[0], code, now_s)
        else:
            self._fence.cut(Place(block.function_code, block.ranges[len(block.ranges) // 2].start))
            self._note(block, _HALF_KNOWN, code)

    def _note(self, block: Block, times: int, code: int) -> None:
        self._missed.update(dict.fromkeys(block.ranges, _Missed(times, code)))
