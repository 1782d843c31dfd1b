"""The agent's own events: what happened to the program, its devices and its uplinks."""

from __future__ import annotations

from typing import Final

from config.vocabulary import EventKind, Priority
from filters.event import Event

_PRIORITIES: Final = {
    EventKind.DEVICE_LOST: Priority.HIGH,
    EventKind.DEGRADED: Priority.HIGH,
    EventKind.OVERLOAD: Priority.HIGH,
    EventKind.MAINS_LOST: Priority.HIGH,
    EventKind.RUNNING_OUT: Priority.HIGH,
    EventKind.CLOCK_STEP: Priority.MEDIUM,
    EventKind.OPERATOR_ACTION: Priority.MEDIUM,
    EventKind.OPERATOR_REFUSED: Priority.MEDIUM,
}


def own_event(kind: EventKind, about: str, boot_ns: int, /, **figures: float | str) -> Event:
    """Make an event about something (a device, an uplink, the agent), with its figures."""
    return Event(
        kind=kind,
        rule=about,
        priority=_PRIORITIES.get(kind, Priority.LOW),
        boot_ns=boot_ns,
        scan_boot_ns=boot_ns,
        figures=dict(figures),
    )
