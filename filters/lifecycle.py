"""The life of one alarm, by ISA-18.2 and IEC 62682 (alarm state transition diagram): a pure state machine.

    NORMAL ──rise──▶ UNACKNOWLEDGED ──ack──▶ ACKNOWLEDGED
       ▲                   │ fall                 │ fall
       │◀──ack── RETURNED ◀┘                      ▼
       │                                        NORMAL

    latched:  UNACKNOWLEDGED ──fall──▶ LATCHED_UNACKNOWLEDGED ──ack──▶ NORMAL
              ACKNOWLEDGED   ──fall──▶ LATCHED_ACKNOWLEDGED   ──ack──▶ NORMAL

A latched alarm stands until somebody acknowledges it after its condition has gone: that is its reset.
Whatever rises again is unacknowledged again. Shelved, suppressed by design and out of service are no states
here but reasons why an alarm is not told as one (`filters.withholding`): its life goes on beneath them.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final


class AlarmState(StrEnum):
    """Where an alarm is in its life; the names are kept and shown."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"

    @property
    def stands(self) -> bool:
        """It is an alarm now: raised, and not cleared yet."""
        return self not in (AlarmState.NORMAL, AlarmState.RETURNED)

    @property
    def active(self) -> bool:
        """Its condition is true now."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)


class Input(Enum):
    """What moves an alarm: its condition becomes true or false, or somebody acknowledges it."""

    RISE = 1
    FALL = 2
    ACKNOWLEDGE = 3


_FALLEN: Final = {
    AlarmState.UNACKNOWLEDGED: AlarmState.RETURNED,
    AlarmState.ACKNOWLEDGED: AlarmState.NORMAL,
}
_FALLEN_LATCHED: Final = {
    AlarmState.UNACKNOWLEDGED: AlarmState.LATCHED_UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED: AlarmState.LATCHED_ACKNOWLEDGED,
}


def step(state: AlarmState, given: Input, *, latch: bool) -> AlarmState:
    """Return where an alarm is after an input; one that says nothing new leaves it where it is."""
    if given is Input.RISE:
        return state if state.active else AlarmState.UNACKNOWLEDGED
    if given is Input.FALL:
        return (_FALLEN_LATCHED if latch else _FALLEN).get(state, state)
    return AlarmState.ACKNOWLEDGED if state.active else AlarmState.NORMAL
