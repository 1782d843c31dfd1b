"""What people set aside for a time: shelved alarms, muted interlocks, devices and tags in maintenance."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from config.vocabulary import EventKind, Flag, Priority
from filters.event import Event, Figures
from filters.layout import LONG_AGO, NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Who set something aside, why, and from when to when (CLOCK_BOOTTIME).

    `flags`: what the readings concerned are marked with meanwhile.
    """

    since_ns: int
    until_ns: int
    who: str
    why: str
    flags: int = Flag.NONE

    @property
    def length_s(self) -> float:
        """For how long, in seconds."""
        return (self.until_ns - self.since_ns) / 1e9


class Holds:
    """Holds by the name of what is set aside. Each ends by itself, told as an event of the kind `ended`."""

    def __init__(self, ended: EventKind) -> None:
        self._ended = ended
        self._holds: dict[str, Hold] = {}
        self._told: list[Event] = []

    @property
    def due_ns(self) -> int:
        """When there is something to tell: at once what ended by hand, else when the next one ends; NEVER."""
        if self._told:
            return LONG_AGO
        return min((hold.until_ns for hold in self._holds.values()), default=NEVER)

    def __contains__(self, name: str) -> bool:
        return name in self._holds

    def __len__(self) -> int:
        return len(self._holds)

    @property
    def names(self) -> list[str]:
        """The names of what is set aside."""
        return list(self._holds)

    def get(self, name: str) -> Hold | None:
        """Return the hold of a name; None where it is not set aside."""
        return self._holds.get(name)

    def items(self) -> list[tuple[str, Hold]]:
        """Return every hold by its name, the next to end first."""
        return sorted(self._holds.items(), key=lambda item: (item[1].until_ns, item[0]))

    def put(self, name: str, hold: Hold) -> None:
        """Set something aside; an earlier hold of it is replaced."""
        self._holds[name] = hold

    def lift(self, name: str, now_ns: int) -> None:
        """End a hold by hand."""
        self._end(name, now_ns, "by_hand")

    def step(self, now_ns: int) -> list[Event]:
        """End every hold whose time is over; return the events of all that ended since the last step."""
        for name, hold in self.items():
            if hold.until_ns <= now_ns:
                self._end(name, hold.until_ns, "time_over")
        told, self._told = self._told, []
        return told

    def save(self) -> dict[str, Hold]:
        """Return every hold by its name."""
        return dict(self._holds)

    def resume(self, saved: dict[str, Hold], by_ns: int) -> None:
        """Take up saved holds, on a clock that reads `by_ns` more."""
        self._holds = {
            name: replace(hold, since_ns=hold.since_ns + by_ns, until_ns=hold.until_ns + by_ns)
            for name, hold in saved.items()
        }

    def end_all_but(self, known: Container[str], now_ns: int) -> None:
        """End the holds of what the plant no longer has."""
        for name in self.names:
            if name not in known:
                self._end(name, now_ns, "exists_no_more")

    def _end(self, name: str, at_ns: int, because: str) -> None:
        hold = self._holds.pop(name)
        figures: Figures = {
            "user": hold.who,
            "why": hold.why,
            "held_ms": (at_ns - hold.since_ns) / 1e6,
            "because": because,
        }
        self._told.append(
            Event(
                kind=self._ended,
                rule=name,
                priority=Priority.LOW,
                boot_ns=at_ns,
                scan_boot_ns=at_ns,
                figures=figures,
            )
        )
