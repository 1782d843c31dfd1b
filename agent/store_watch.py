"""Once a second: whether the log can open the files that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent import journal
from agent.events import own_event
from agent.wiring import Wiring
from config.text import text
from config.units import S
from config.vocabulary import EventKind

CALM_NS: Final = 10 * S
"""It has ended when the log found everything for so long: what comes and goes is told once."""


@dataclass(slots=True)
class StoreWatch:
    """Tells when the log waits for descriptors or memory, and when it does no more."""

    wiring: Wiring
    _waits: bool = False
    _waited_ns: int = 0

    def look(self, now_ns: int) -> None:
        """Look once."""
        why = self.wiring.log.waits_for
        if why is not None:
            self._waited_ns = now_ns
            if not self._waits:
                self._begin(why, now_ns)
        elif self._waits and now_ns - self._waited_ns >= CALM_NS:
            self._end(now_ns)

    def _begin(self, why: str, now_ns: int) -> None:
        self._waits = True
        words = text("the log waits until it can open its files: {why}", why=why)
        journal.error(words)
        self.wiring.pipeline.tell(own_event(EventKind.DEGRADED, "log_files", now_ns), words)

    def _end(self, now_ns: int) -> None:
        self._waits = False
        words = text("the log can open its files again")
        journal.info(words)
        self.wiring.pipeline.tell(own_event(EventKind.DEGRADED_ENDED, "log_files", now_ns), words)
