"""Once a second: what the devices' links rest on and will end."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent import journal
from agent.events import own_event
from agent.expiry import ExpiryNews, running_out
from agent.wiring import Wiring
from config.vocabulary import EventKind


@dataclass(slots=True)
class ExpiryWatch:
    """Tells of each end 30, 7 and 1 days ahead, and when it is past."""

    wiring: Wiring
    _news: ExpiryNews = field(default_factory=ExpiryNews)

    def look(self, now_ns: int) -> None:
        """Look once."""
        utc_ns = self.wiring.timebase.anchor.utc_ns_of(now_ns)
        for remaining in self._news.of(running_out(self.wiring.poller.drivers.values(), utc_ns)):
            journal.warn(remaining.words)
            event = own_event(EventKind.RUNNING_OUT, "certificate", now_ns, days=remaining.days)
            self.wiring.pipeline.tell(event, remaining.words)
