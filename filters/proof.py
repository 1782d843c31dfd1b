"""The log of what an interlock has shown: its proofs and failures, its bypasses, and when a proof is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from config.vocabulary import EventKind, Withheld
from filters.aftermath import not_held
from filters.event import Event, Figures
from filters.layout import moved

KEPT: Final = 20
"""Entries of one interlock; the whole story is in the log of events."""

WORTH_KEEPING: Final = (
    EventKind.INTERLOCK_PROVEN,
    EventKind.INTERLOCK_FAILED,
    EventKind.INTERLOCK_INDETERMINATE,
    EventKind.INTERLOCK_SPURIOUS,
    EventKind.INTERLOCK_BYPASSED,
    EventKind.INTERLOCK_BYPASS_ENDED,
    EventKind.INTERLOCK_NOT_READY,
    EventKind.INTERLOCK_READY,
    EventKind.INTERLOCK_PROOF_DUE,
    EventKind.DEMAND_INTERRUPTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened when (CLOCK_BOOTTIME), with the figures of the event, and why it was not told."""

    kind: EventKind
    boot_ns: int
    figures: Figures
    withheld: Withheld | None = None

    def moved(self, by_ns: int) -> Entry:
        """Return this entry on a clock that reads `by_ns` more."""
        return replace(self, boot_ns=moved(self.boot_ns, by_ns))


def entered(history: tuple[Entry, ...], events: Iterable[Event]) -> tuple[Entry, ...]:
    """Return a history with what of these events is worth keeping; the oldest falls out."""
    new = [
        Entry(kind=event.kind, boot_ns=event.boot_ns, figures=dict(event.figures), withheld=event.withheld)
        for event in events
        if event.kind in WORTH_KEEPING or _has_an_aftermath(event)
    ]
    return (*history, *new)[-KEPT:] if new else history


def _has_an_aftermath(event: Event) -> bool:
    """Tell whether the end of a demand says more of its effects than the verdict did."""
    told = "effect" in event.figures or bool(not_held(event.figures))
    return event.kind is EventKind.INTERLOCK_CLEARED and told


def told_at_last(history: tuple[Entry, ...], events: Iterable[Event]) -> tuple[Entry, ...]:
    """Return a history in which these events are no longer withheld."""
    told = {(event.kind, event.boot_ns) for event in events}
    return tuple(
        replace(entry, withheld=None) if (entry.kind, entry.boot_ns) in told else entry for entry in history
    )


def failures_of(history: Sequence[Entry]) -> list[Entry]:
    """Return the failures in a history; what failed in maintenance was a test."""
    failed = (entry for entry in history if entry.kind is EventKind.INTERLOCK_FAILED)
    return [entry for entry in failed if entry.withheld is not Withheld.MAINTENANCE]


def failures_since_proof(history: Sequence[Entry]) -> int:
    """Return how many failures a history has behind its last proof."""
    proofs = [place for place, entry in enumerate(history) if entry.kind is EventKind.INTERLOCK_PROVEN]
    return len(failures_of(history[proofs[-1] + 1 :] if proofs else history))
