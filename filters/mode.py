"""The mode of an interlock while nothing is demanded, and the edges of its bypass flag."""

from __future__ import annotations

from config.vocabulary import EventKind, WitnessState
from filters.event import Event, Figures
from filters.interlock import Inputs
from filters.layout import LONG_AGO, NEVER
from filters.sight import Sight
from filters.testimony import KIND_OF, Testimony


class Mode:
    """What `now` can be said of an interlock, `since_ns`; the rules stand at the top of `filters.witness`."""

    def __init__(self, inputs: Inputs, testimony: Testimony) -> None:
        self.now = WitnessState.UNKNOWN
        self.since_ns = LONG_AGO
        self._inputs = inputs
        self._testimony = testimony

    def look(self, bypassed_ns: int | None, scan_ns: int) -> tuple[int | None, list[Event]]:
        """Find the mode anew; return since when the interlock is bypassed, and the edge of that flag."""
        bypassed_ns, events = self._bypass(bypassed_ns)
        mode = WitnessState.BYPASSED if bypassed_ns is not None else self._unbypassed()
        if mode is not self.now or self.since_ns == LONG_AGO:
            self.now, self.since_ns = mode, scan_ns
        return bypassed_ns, events

    def tell(
        self, told: WitnessState | None, now_ns: int, over_ns: int
    ) -> tuple[WitnessState | None, list[Event]]:
        """Return the mode that people know, and the event by which they learnt it just now.

        It begins no earlier than `over_ns`, the end of the demand that stood before it. The edges of a bypass
        are events of their own, so that mode is told already.
        """
        if self.now is told or now_ns < self._told_from_ns:
            return told, []
        if self.now is WitnessState.BYPASSED:
            return self.now, []
        kind = KIND_OF[self.now]
        since_ns, shown_ns = max(self.since_ns, over_ns), max(self._told_from_ns, over_ns)
        return self.now, [self._testimony.say(kind, since_ns, shown_ns=shown_ns, inputs=self._reasons())]

    def due_ns(self, told: WitnessState | None) -> int:
        """Return when the mode must be told if it lasts."""
        return NEVER if self.now is told else self._told_from_ns

    @property
    def _told_from_ns(self) -> int:
        """UNKNOWN is told once it has lasted: one lost scan is no news, and at the start all is unknown."""
        patience_ns = self._inputs.patience_ns if self.now is WitnessState.UNKNOWN else 0
        return self.since_ns + patience_ns

    def _unbypassed(self) -> WitnessState:
        armed = self._inputs.armed
        if armed is not None and not (armed.bad or armed.true):
            return WitnessState.DISARMED
        return WitnessState.UNKNOWN if self._inputs.unreadable else WitnessState.ARMED

    def _bypass(self, bypassed_ns: int | None) -> tuple[int | None, list[Event]]:
        flag = self._inputs.bypassed
        if flag is None or flag.bad or flag.true == (bypassed_ns is not None):
            return bypassed_ns, []
        change = flag.rise if flag.true else flag.fall
        assert change is not None, "a flag that changed has changed"
        if bypassed_ns is None:
            event = self._testimony.say(EventKind.INTERLOCK_BYPASSED, change.by_ns, inputs=[flag])
            return change.by_ns, [event]
        figures: Figures = {"bypassed_ms": (change.by_ns - bypassed_ns) / 1e6}
        kind = EventKind.INTERLOCK_BYPASS_ENDED
        return None, [self._testimony.say(kind, change.by_ns, inputs=[flag], figures=figures)]

    def _reasons(self) -> list[Sight]:
        """Return the inputs that make the mode what it is."""
        if self.now is WitnessState.UNKNOWN:
            return self._inputs.unreadable
        return [self._inputs.armed] if self._inputs.armed is not None else []
