"""Whom a link asks: not everybody who wants to, for a unit that is dead or busy costs its neighbours time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.text import text
from drivers.contract import Demoted, DeviceError, DeviceRefused, DeviceTimeout
from drivers.modbus.demotion import Demotion

NOBODY_THERE: Final = frozenset({10, 11})
"""Exceptions with which a gateway answers in place of a device."""

BUSY: Final = frozenset({5, 6})
"""Exceptions of a device that will answer the same question later."""

_FIRST_REST_S: Final = 0.25  # after the second refusal in a row; the first is forgiven
_LONGEST_REST_S: Final = 4.0


@dataclass(slots=True)
class _Busy:
    """A unit that said so; it is left alone until `until_s`."""

    refusal: DeviceRefused
    rest_s: float = 0.0
    until_s: float = 0.0


class Admission:
    """What became of the questions to the units of one link, and who may be asked next.

    Times are seconds of one steady clock.
    """

    def __init__(self, demotion: Demotion) -> None:
        self._demotion = demotion
        self._busy: dict[int, _Busy] = {}

    def require(self, unit_id: int, now_s: float, *, risky: bool = False) -> None:
        """Raise where a unit is not to be asked now: Demoted, or once more the DeviceRefused that said so.

        `risky`: it answers others, but this question will probably not be answered.
        """
        busy = self._busy.get(unit_id)
        if busy is not None and now_s < busy.until_s:
            raise DeviceRefused(busy.refusal.words, detail=busy.refusal.detail)
        admitted = self._demotion.admits(unit_id, now_s)
        if not admitted or (risky and not self._demotion.affords(unit_id, now_s)):
            raise Demoted(text("no answer of late; its neighbours come first, and it is asked rarely"))

    def answered(self, unit_id: int) -> None:
        """Hear of an answer."""
        self._busy.pop(unit_id, None)
        self._demotion.answered(unit_id)

    def failed(self, unit_id: int, error: DeviceError, now_s: float, *, risky: bool = False) -> None:
        """Hear what a question brought instead of an answer."""
        if _is_unheard(error):
            (self._demotion.risked if risky else self._demotion.unanswered)(unit_id, now_s)
        elif isinstance(error, DeviceRefused):
            self._demotion.answered(unit_id)
            if error.detail in BUSY:
                self._rest(unit_id, error, now_s)

    def _rest(self, unit_id: int, refusal: DeviceRefused, now_s: float) -> None:
        busy = self._busy.get(unit_id)
        if busy is None:
            self._busy[unit_id] = _Busy(refusal)
            return
        busy.refusal = refusal
        busy.rest_s = min(max(_FIRST_REST_S, 2 * busy.rest_s), _LONGEST_REST_S)
        busy.until_s = now_s + busy.rest_s


def _is_unheard(error: DeviceError) -> bool:
    return isinstance(error, DeviceTimeout) or (
        isinstance(error, DeviceRefused) and error.detail in NOBODY_THERE
    )
