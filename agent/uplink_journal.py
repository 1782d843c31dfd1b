"""What the forwarders say of uplinks, as events and gaps."""

from __future__ import annotations

from agent.gap import GapCause, Part, Subject
from agent.outages import Outages
from agent.pipeline import Pipeline
from config.text import Text
from config.vocabulary import EventKind
from filters.event import Event


class UplinkJournal:
    """Takes the events of every forwarder (`agent.uplinks.forward.Notify`)."""

    def __init__(self, pipeline: Pipeline, outages: Outages) -> None:
        self._pipeline = pipeline
        self._outages = outages

    def tell(self, event: Event, detail: Text) -> None:
        """Record an event, and where it is the loss or the return of an uplink, the gap."""
        self._pipeline.tell(event, detail)
        subject = Subject(Part.UPLINK, event.rule)
        if event.kind is EventKind.UPLINK_LOST:
            self._outages.begin(subject, GapCause(str(event.figures["cause"])), event.boot_ns)
        elif event.kind is EventKind.UPLINK_RESTORED:
            self._outages.end(subject, event.boot_ns)
