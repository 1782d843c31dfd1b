"""The self-test of an interlock: while it is armed, what it needs to act must be in order."""

from __future__ import annotations

from config.vocabulary import EventKind
from filters.event import Event, Figures
from filters.interlock import Inputs
from filters.testimony import Testimony


class Readiness:
    """Watches the condition `ready_when`. An unreadable one changes nothing: it makes the mode UNKNOWN."""

    def __init__(self, inputs: Inputs, testimony: Testimony) -> None:
        self._inputs = inputs
        self._testimony = testimony

    def look(self, unready_ns: int | None, scan_ns: int) -> tuple[int | None, list[Event]]:
        """Return since when it is armed and not ready, None: it is, and the edge of that."""
        ready, armed = self._inputs.ready, self._inputs.armed
        if ready is None or ready.bad or (armed is not None and armed.bad):
            return unready_ns, []
        unready = not ready.true and (armed is None or armed.true)
        if unready == (unready_ns is not None):
            return unready_ns, []
        if unready:
            return scan_ns, [self._testimony.say(EventKind.INTERLOCK_NOT_READY, scan_ns, inputs=[ready])]
        assert unready_ns is not None, "what ends has begun"
        figures: Figures = {"unready_ms": (scan_ns - unready_ns) / 1e6}
        kind = EventKind.INTERLOCK_READY
        return None, [self._testimony.say(kind, scan_ns, inputs=[ready], figures=figures)]
