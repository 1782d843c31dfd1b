"""What was said of an interlock and still stands, and whether anybody was told of it.

An event may be withheld: its interlock is muted, or a tag that it rests on is in maintenance. What stands
when nothing withholds it any more is told then. The end of something is told where its beginning was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from config.vocabulary import EventKind, Withheld
from filters.event import Figures
from filters.layout import moved


class Matter(StrEnum):
    """What something is said about; of each, one thing stands at a time."""

    DEMAND = "demand"
    BYPASS = "bypass"
    READINESS = "readiness"
    MODE = "mode"
    PROOF = "proof"


BEGINS: Final = {
    EventKind.INTERLOCK_DEMAND: Matter.DEMAND,
    EventKind.INTERLOCK_PROVEN: Matter.DEMAND,
    EventKind.INTERLOCK_FAILED: Matter.DEMAND,
    EventKind.INTERLOCK_INDETERMINATE: Matter.DEMAND,
    EventKind.INTERLOCK_BYPASSED: Matter.BYPASS,
    EventKind.INTERLOCK_NOT_READY: Matter.READINESS,
    EventKind.INTERLOCK_ARMED: Matter.MODE,
    EventKind.INTERLOCK_DISARMED: Matter.MODE,
    EventKind.INTERLOCK_UNKNOWN: Matter.MODE,
    EventKind.INTERLOCK_PROOF_DUE: Matter.PROOF,
}
"""What an event begins or goes on with; a verdict that is UNKNOWN says itself that it is about the demand."""

ENDS: Final = {
    EventKind.INTERLOCK_CLEARED: Matter.DEMAND,
    EventKind.DEMAND_INTERRUPTED: Matter.DEMAND,
    EventKind.INTERLOCK_BYPASS_ENDED: Matter.BYPASS,
    EventKind.INTERLOCK_READY: Matter.READINESS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What was said last of a matter; `boot_ns` is CLOCK_BOOTTIME.

    `withheld`: why it was not told, None: it was. `told`: this, or what was said of the matter
    before, was not withheld.
    """

    kind: EventKind
    boot_ns: int
    figures: Figures
    withheld: Withheld | None
    told: bool

    def moved(self, by_ns: int) -> Saying:
        """Return this saying on a clock that reads `by_ns` more."""
        return replace(self, boot_ns=moved(self.boot_ns, by_ns))


class Sayings:
    """The sayings of one interlock by their matter, in `standing`."""

    def __init__(self) -> None:
        self.standing: dict[Matter, Saying] = {}

    @property
    def withheld(self) -> list[tuple[Matter, Saying]]:
        """What stands and was not told as it stands."""
        return [(matter, saying) for matter, saying in self.standing.items() if saying.withheld is not None]

    def begin(self, matter: Matter, saying: Saying) -> Withheld | None:
        """Take note of what is said now; return why it is withheld.

        A mode ends the one before it, so that the end of an UNKNOWN that was told is told.
        """
        was = self.standing.get(matter)
        if matter is Matter.MODE:
            ends_unknown = was is not None and was.told and was.kind is EventKind.INTERLOCK_UNKNOWN
            saying = replace(saying, withheld=None) if ends_unknown else saying
            was = None
        told = saying.withheld is None or (was is not None and was.told)
        self.standing[matter] = replace(saying, told=told)
        return saying.withheld

    def end(self, matter: Matter) -> Withheld | None:
        """Forget what is over; return why its end is withheld: nobody was told that it began."""
        was = self.standing.pop(matter, None)
        return None if was is None or was.told else was.withheld
