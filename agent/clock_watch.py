"""Once a second: how the clock stands, and whether it stepped."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent import journal
from agent.anchor import Anchor, pack_anchor
from agent.events import own_event
from agent.gap import GapBody, GapCause, Moment
from agent.timebase import Step
from agent.wiring import Wiring
from config.text import text
from config.units import S
from config.vocabulary import EventKind, RecordKind, Stream


@dataclass(slots=True)
class ClockWatch:
    """Stores an anchor where what is known of UTC has changed, and tells of steps."""

    wiring: Wiring

    def look(self, now_ns: int) -> None:  # noqa: ARG002 - `heartbeat.Watch`
        """Look once."""
        before = self.wiring.timebase.anchor
        step = self.wiring.timebase.update()
        anchor = self.wiring.timebase.anchor
        if step is None and (before.synchronised, before.source) == (anchor.synchronised, anchor.source):
            return
        self.wiring.log.append(
            Stream.EVENTS,
            RecordKind.ANCHOR,
            pack_anchor(anchor),
            first_boot_ns=anchor.boot_ns,
            last_boot_ns=anchor.boot_ns,
        )
        if step is not None:
            self._tell(step, anchor)

    def _tell(self, step: Step, anchor: Anchor) -> None:
        """Record a step as an event, and for whoever sorts by UTC as a gap without a length."""
        journal.warn(text("the clock stepped"), seconds=f"{step.used_ns / S:+.1f}")
        figures = {"step_s": step.used_ns / S, "machine_step_s": step.machine_ns / S}
        self.wiring.pipeline.tell(own_event(EventKind.CLOCK_STEP, "clock", anchor.boot_ns, **figures))
        now = Moment.by(anchor, anchor.boot_ns)
        was = replace(now, utc_ns=now.utc_ns - step.used_ns)
        self.wiring.pipeline.record_gap(GapBody(cause=GapCause.CLOCK_STEP, start=was, end=now))
