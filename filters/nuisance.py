"""Alarms that are too many: one that chatters, and a flood of all together (ISA-18.2, EEMUA 191).

* An alarm *chatters* when it is raised three times within a minute, until a minute has passed without.
* It is a *flood* when more than ten alarms are raised within ten minutes, until fewer than five are.

Nothing is hidden for it: that so much is raised is itself an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.units import S
from config.vocabulary import EventKind, Priority
from filters.event import Event, Figures
from filters.layout import NEVER

CHATTER_RAISES: Final = 3
CHATTER_NS: Final = 60 * S
FLOOD_RAISES: Final = 11
FLOOD_ENDS_BELOW: Final = 5
FLOOD_NS: Final = 600 * S


@dataclass(slots=True, kw_only=True)
class Burst:
    """Raises in a row; `began_ns`: since when there are too many, None: there are not.

    `recent`: the newest raises, as many as make a burst. `count`: raises since the burst began, those that
    made it one included.
    """

    recent: tuple[int, ...] = ()
    began_ns: int | None = None
    count: int = 0

    def moved(self, by_ns: int) -> Burst:
        """Return this burst on a clock that reads `by_ns` more."""
        began_ns = None if self.began_ns is None else self.began_ns + by_ns
        recent = tuple(instant + by_ns for instant in self.recent)
        return Burst(recent=recent, began_ns=began_ns, count=self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is too much: `raises` within `within_ns`; over when fewer than `ends_below` are."""

    raises: int
    within_ns: int
    ends_below: int

    def raised(self, burst: Burst, at_ns: int) -> bool:
        """Count a raise; tell whether it makes the burst one."""
        burst.recent = (*burst.recent[-self.raises + 1 :], at_ns)
        burst.count += burst.began_ns is not None
        full = len(burst.recent) == self.raises and at_ns - burst.recent[0] <= self.within_ns
        if not full or burst.began_ns is not None:
            return False
        burst.began_ns, burst.count = burst.recent[0], self.raises
        return True

    def ends_ns(self, burst: Burst) -> int:
        """Return when a burst is over if nothing more is raised; NEVER where there is none."""
        return NEVER if burst.began_ns is None else burst.recent[-self.ends_below] + self.within_ns


CHATTER: Final = Measure(raises=CHATTER_RAISES, within_ns=CHATTER_NS, ends_below=1)
FLOOD: Final = Measure(raises=FLOOD_RAISES, within_ns=FLOOD_NS, ends_below=FLOOD_ENDS_BELOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNuisance:
    """What is kept across a restart: the flood, and what chatters, by the alarm's name."""

    flood: Burst
    chatters: dict[str, Burst]


class Nuisance:
    """Counts what is raised, and says when it is too much."""

    def __init__(self) -> None:
        self._flood = Burst()
        self._bursts: dict[str, Burst] = {}
        self._chattering: set[str] = set()

    @property
    def due_ns(self) -> int:
        """When something may be over."""
        ends = [CHATTER.ends_ns(self._bursts[name]) for name in self._chattering]
        return min(FLOOD.ends_ns(self._flood), *ends) if ends else FLOOD.ends_ns(self._flood)

    def chatters(self, name: str) -> bool:
        """Tell whether an alarm was raised too often lately."""
        return name in self._chattering

    def raised(self, name: str, at_ns: int, *, told: bool) -> Iterator[Event]:
        """Count an alarm that was raised; for the flood, those that tell nobody anything new do not count."""
        if CHATTER.raised(self._bursts.setdefault(name, Burst()), at_ns):
            self._chattering.add(name)
            yield _event(EventKind.ALARM_CHATTER, name, at_ns, self._bursts[name])
        if told and FLOOD.raised(self._flood, at_ns):
            yield _event(EventKind.ALARM_FLOOD, "alarms", at_ns, self._flood)

    def step(self, now_ns: int) -> Iterator[Event]:
        """End what is over by `now_ns`."""
        for name in sorted(self._chattering):
            burst = self._bursts[name]
            if CHATTER.ends_ns(burst) <= now_ns:
                self._chattering.remove(name)
                yield _ended(EventKind.ALARM_CHATTER_ENDED, name, CHATTER, burst)
        if FLOOD.ends_ns(self._flood) <= now_ns:
            yield _ended(EventKind.ALARM_FLOOD_ENDED, "alarms", FLOOD, self._flood)

    def save(self) -> SavedNuisance:
        """Return what is too much now."""
        return SavedNuisance(
            flood=self._flood, chatters={name: self._bursts[name] for name in self._chattering}
        )

    def resume(self, saved: SavedNuisance, by_ns: int) -> None:
        """Take up what was too much, on a clock that reads `by_ns` more."""
        self._flood = saved.flood.moved(by_ns)
        self._bursts = {name: burst.moved(by_ns) for name, burst in saved.chatters.items()}
        self._chattering = set(self._bursts)


def _ended(kind: EventKind, name: str, measure: Measure, burst: Burst) -> Event:
    event = _event(kind, name, measure.ends_ns(burst), burst)
    burst.began_ns = None
    return event


def _event(kind: EventKind, name: str, at_ns: int, burst: Burst) -> Event:
    assert burst.began_ns is not None, "what is told has begun"
    figures: Figures = {"raised": burst.count, "for_ms": (at_ns - burst.began_ns) / 1e6}
    return Event(
        kind=kind,
        rule=name,
        priority=Priority.MEDIUM,
        boot_ns=at_ns,
        scan_boot_ns=at_ns,
        figures=figures,
    )
