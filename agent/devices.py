"""What the poller says of devices, as events and gaps."""

from __future__ import annotations

from agent.events import own_event
from agent.findings import Moment, pack_gap
from agent.pipeline import Pipeline
from agent.timebase import Timebase
from config.plant import ScanGroup
from config.text import Text
from config.vocabulary import EventKind, GapCause
from drivers.contract import Scan


class DeviceJournal:
    """The poller's sink (`agent.poll.Sink`): scans go on to the pipeline, losses and returns are recorded."""

    def __init__(self, pipeline: Pipeline, timebase: Timebase) -> None:
        self._pipeline = pipeline
        self._timebase = timebase

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> None:
        """See `agent.poll.Sink`."""
        self._pipeline.take(group, scan, start_boot_ns)

    def device_lost(self, device: str, cause: Text, boot_ns: int) -> None:
        """See `agent.poll.Sink`."""
        self._pipeline.tell(own_event(EventKind.DEVICE_LOST, device, boot_ns), cause)

    def device_restored(self, device: str, lost_boot_ns: int, boot_ns: int, scans_bad: int) -> None:
        """See `agent.poll.Sink`."""
        lost_s = (boot_ns - lost_boot_ns) / 1e9
        self._pipeline.tell(
            own_event(EventKind.DEVICE_RESTORED, device, boot_ns, lost_s=lost_s, scans_bad=scans_bad)
        )
        start, end = self._moment(lost_boot_ns), self._moment(boot_ns)
        body = pack_gap(cause=GapCause.DEVICE_COMMS, start=start, end=end, device=device)
        self._pipeline.record_gap(body, lost_boot_ns, boot_ns)

    def _moment(self, boot_ns: int) -> Moment:
        anchor = self._timebase.anchor
        return Moment(boot_id=anchor.boot_id, boot_ns=boot_ns, utc_ns=anchor.utc_ns_of(boot_ns))
