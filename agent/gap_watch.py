"""Once a second: what nobody tells of by itself and yet explains that there is no data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent import journal
from agent.events import own_event
from agent.gap import GATEWAY, GapCause
from agent.wiring import Wiring
from config.text import text
from config.units import S
from config.vocabulary import EventKind, QualityClass, class_of

CALM_NS: Final = 10 * S
_OF_INTAKE: Final = (GapCause.DISK_FULL, GapCause.DISK_SLOW)


@dataclass(slots=True)
class GapWatch:
    """Watches over the log's intake, the mains, and devices on which somebody begins or ends to work."""

    wiring: Wiring
    _looked_ns: int = 0
    _refused: int = 0
    _refused_ns: int = 0

    def look(self, now_ns: int) -> None:
        """Look once."""
        self.wiring.devices.look(now_ns)
        self._look_at_intake(now_ns)
        self._look_at_mains(now_ns)
        self._looked_ns = now_ns

    def _look_at_intake(self, now_ns: int) -> None:
        """Tell the time in which the log took no readings, a second more or less.

        It has ended when nothing was refused for a while: a log that makes room now and then is one gap.
        """
        refused, outages = self.wiring.pipeline.ledger.refused, self.wiring.outages
        known = outages.cause_of(GATEWAY)
        if known is not None and known not in _OF_INTAKE:
            return  # the agent is stopping: that is why there is no data now
        if refused > self._refused:
            cause = GapCause.DISK_FULL if self.wiring.log.ledger().full else GapCause.DISK_SLOW
            if cause is not known:
                outages.end(GATEWAY, now_ns)
                outages.begin(GATEWAY, cause, self._looked_ns or now_ns)
            self._refused, self._refused_ns = refused, now_ns
        elif now_ns - self._refused_ns >= CALM_NS:
            outages.end(GATEWAY, self._refused_ns)

    def _look_at_mains(self, now_ns: int) -> None:
        """Note whether the machine lives on its battery: it would explain why it went down."""
        name = self.wiring.plant.description.gateway.mains_tag
        if name is None:
            return
        number, image = self.wiring.plant.number_of[name], self.wiring.engine.image
        if class_of(int(image.quality[number])) is not QualityClass.GOOD:
            return
        lost = bool(image.value[number] == 0)
        if lost == self.wiring.keepsake.mains_lost:
            return
        self.wiring.keepsake.mains_lost = lost
        if lost:
            journal.warn(text("the mains failed"))
        else:
            journal.info(text("the mains are back"))
        kind = EventKind.MAINS_LOST if lost else EventKind.MAINS_RESTORED
        self.wiring.pipeline.tell(own_event(kind, "mains", now_ns))
        self.wiring.pipeline.keep_state()
