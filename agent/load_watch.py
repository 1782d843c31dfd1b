"""Once a second: whether the machine keeps up with what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from agent import journal
from agent.events import own_event
from agent.wiring import Wiring
from config.text import text
from config.vocabulary import EventKind


@dataclass(slots=True)
class LoadWatch:
    """Lets the governor choose, and tells when too much is asked."""

    wiring: Wiring
    _scans: int = 0
    _overruns: int = 0
    _overloaded: bool = False

    def look(self, now_ns: int) -> None:
        """Look once."""
        counters = self.wiring.poller.counters.values()
        scans, overruns = sum(count.scans for count in counters), sum(count.overruns for count in counters)
        governor = self.wiring.governor
        governor.update(scans=scans - self._scans, overruns=overruns - self._overruns)
        self._scans, self._overruns = scans, overruns
        overloaded = governor.level > 1
        if overloaded == self._overloaded:
            return
        self._overloaded = overloaded
        if overloaded:
            journal.warn(text("too much is asked of this machine; every device is read less often"))
            event = own_event(EventKind.OVERLOAD, "agent", now_ns, busy_share=governor.busy_share)
        else:
            journal.info(text("this machine keeps up again"))
            event = own_event(EventKind.OVERLOAD_ENDED, "agent", now_ns)
        self.wiring.pipeline.tell(event)
