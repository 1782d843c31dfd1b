"""What the witness says: the events of one interlock, with the readings and numbers that they rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from config.vocabulary import EventKind, Priority, Withheld, WitnessState
from filters.demand import Demand
from filters.event import Event, Figures, trust_figures
from filters.holds import Holds
from filters.image import Image
from filters.layout import Uint32s
from filters.sayings import BEGINS, ENDS, Matter, Saying, Sayings
from filters.sight import Sight
from filters.witness_memory import Memory

PRIORITIES: Final = {
    EventKind.INTERLOCK_FAILED: Priority.CRITICAL,
    EventKind.INTERLOCK_DEMAND: Priority.HIGH,
    EventKind.INTERLOCK_INDETERMINATE: Priority.HIGH,
    EventKind.INTERLOCK_UNKNOWN: Priority.HIGH,
    EventKind.INTERLOCK_BYPASSED: Priority.HIGH,
    EventKind.DEMAND_INTERRUPTED: Priority.HIGH,
    EventKind.INTERLOCK_NOT_READY: Priority.CRITICAL,
    EventKind.INTERLOCK_SPURIOUS: Priority.MEDIUM,
    EventKind.INTERLOCK_PROOF_DUE: Priority.MEDIUM,
    EventKind.INTERLOCK_READY: Priority.MEDIUM,
    EventKind.INTERLOCK_BYPASS_ENDED: Priority.MEDIUM,
    EventKind.INTERLOCK_PROVEN: Priority.LOW,
    EventKind.INTERLOCK_CLEARED: Priority.LOW,
    EventKind.INTERLOCK_ARMED: Priority.LOW,
    EventKind.INTERLOCK_DISARMED: Priority.LOW,
}

KIND_OF: Final = {
    WitnessState.ARMED: EventKind.INTERLOCK_ARMED,
    WitnessState.DISARMED: EventKind.INTERLOCK_DISARMED,
    WitnessState.UNKNOWN: EventKind.INTERLOCK_UNKNOWN,
    WitnessState.BYPASSED: EventKind.INTERLOCK_BYPASSED,
    WitnessState.DEMAND: EventKind.INTERLOCK_DEMAND,
    WitnessState.PROVEN: EventKind.INTERLOCK_PROVEN,
    WitnessState.FAILED: EventKind.INTERLOCK_FAILED,
    WitnessState.INDETERMINATE: EventKind.INTERLOCK_INDETERMINATE,
}


class Testimony:
    """Speaks for one interlock.

    `flags`: by tag number, not 0 where somebody works on it; `mutes`: the interlocks whose events are kept
    but not told. `sayings`: what stands of what was said.
    """

    def __init__(
        self,
        interlock: str,
        image: Image,
        flags: Uint32s,
        mutes: Holds,
        response: str = "",
        basis: str = "",
    ) -> None:
        self.sayings = Sayings()
        self._interlock = interlock
        self._image = image
        self._flags = flags
        self._mutes = mutes
        self._response = response
        self._basis = basis

    def say(
        self,
        kind: EventKind,
        boot_ns: int,
        *,
        shown_ns: int | None = None,
        inputs: Iterable[Sight] = (),
        figures: Figures | None = None,
        about: Matter | None = None,
    ) -> Event:
        """Return an event of something that became true at `boot_ns` and was shown later, at `shown_ns`.

        `about`: what it is said of, where its kind does not say that.
        """
        tags = [*dict.fromkeys(one.tag for one in inputs)]
        withheld = self.reason(tags)
        if kind in ENDS:
            withheld = self.sayings.end(ENDS[kind])
        elif matter := about or BEGINS.get(kind):
            saying = Saying(
                kind=kind, boot_ns=boot_ns, figures=figures or {}, withheld=withheld, told=withheld is None
            )
            withheld = self.sayings.begin(matter, saying)
        return self._event(kind, boot_ns, boot_ns if shown_ns is None else shown_ns, tags, figures, withheld)

    def tell_at_last(self, matter: Matter, inputs: Iterable[Sight], now_ns: int) -> list[Event]:
        """Tell what stands and was withheld, with its inputs as they stand now, if nothing withholds it."""
        saying, tags = self.sayings.standing[matter], [*dict.fromkeys(one.tag for one in inputs)]
        if saying.withheld is None or self.reason(tags) is not None:
            return []
        figures = saying.figures | {"no_longer": saying.withheld.value}
        self.sayings.standing[matter] = replace(saying, withheld=None, told=True)
        return [self._event(saying.kind, saying.boot_ns, now_ns, tags, figures, None)]

    def reason(self, tags: Iterable[int]) -> Withheld | None:
        """Return why what rests on these tags is not told; None: it is."""
        if any(self._flags[tag] for tag in tags):
            return Withheld.MAINTENANCE
        return Withheld.MUTED if self._interlock in self._mutes else None

    def _event(
        self,
        kind: EventKind,
        boot_ns: int,
        shown_ns: int,
        tags: list[int],
        figures: Figures | None,
        withheld: Withheld | None,
    ) -> Event:
        evidence = tuple(self._image.evidence(tag) for tag in tags)
        return Event(
            kind=kind,
            rule=self._interlock,
            priority=PRIORITIES[kind],
            boot_ns=boot_ns,
            scan_boot_ns=shown_ns,
            evidence=evidence,
            figures=(figures or {}) | trust_figures(evidence),
            withheld=withheld,
            response=self._response,
            basis=self._basis,
        )

    def over_by_change(self, memory: Memory, now_ns: int) -> list[Event]:
        """Return the ends of what stood of an interlock that no longer is what it was."""
        self.sayings.standing = memory.sayings
        events = []
        if memory.demand is not None and memory.demand.open:
            events.append(self.interruption(memory.demand, now_ns))
        ends = {matter: kind for kind, matter in ENDS.items() if kind is not EventKind.DEMAND_INTERRUPTED}
        over: Figures = {"because": "rule_changed"}
        standing = [matter for matter in memory.sayings if matter in ends]
        return events + [self.say(ends[matter], now_ns, figures=over) for matter in standing]

    def interruption(self, demand: Demand, now_ns: int) -> Event:
        """Return the end of a demand that a restart cut short before its verdict."""
        figures: Figures = {"onset_boot_ns": demand.began.onset_ns}
        return self.say(EventKind.DEMAND_INTERRUPTED, now_ns, figures=figures)
