"""What the poller says of devices, as events and gaps."""

from __future__ import annotations

from agent.events import own_event
from agent.gap import GapCause, Part, Subject
from agent.outages import Outages
from agent.pipeline import Pipeline
from agent.times.tags import DeviceClocks
from config.plant import Plant, ScanGroup
from config.text import Text
from config.turns import Pieces
from config.vocabulary import EventKind, Reason
from drivers.contract import Scan
from filters.holds import Holds


class DeviceJournal:
    """The poller's sink (`agent.poll.Sink`): scans go on to the pipeline, losses and returns are recorded.

    A link is lost while all of its devices are, because there is no connection to them. `maintenance`: what
    is being worked on, which explains more than what the device does meanwhile.
    """

    def __init__(
        self, plant: Plant, pipeline: Pipeline, outages: Outages, clocks: DeviceClocks, maintenance: Holds
    ) -> None:
        self._pipeline = pipeline
        self._clocks = clocks
        self._outages = outages
        self._maintenance = maintenance
        self._link_of = {name: device.link for name, device in plant.description.devices.items()}
        self._polled = {group.device for group in plant.groups}
        self._lost: dict[str, GapCause] = {}
        self._cut_off: dict[str, int] = {}

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        """See `agent.poll.Sink`."""
        yield from self._pipeline.take(group, scan, start_boot_ns)
        self._clocks.take(group, scan, start_boot_ns)

    def device_lost(self, device: str, cause: Text, reason: Reason, boot_ns: int) -> None:
        """See `agent.poll.Sink`."""
        self._pipeline.tell(own_event(EventKind.DEVICE_LOST, device, boot_ns), cause)
        self._lost[device] = _cause_of(reason)
        self._begin(device, boot_ns)
        self._look_at_link(device, boot_ns)

    def device_lost_otherwise(self, device: str, reason: Reason, boot_ns: int) -> None:
        """See `agent.poll.Sink`."""
        self._lost[device] = _cause_of(reason)
        self._look_at_device(device, boot_ns)
        self._look_at_link(device, boot_ns)

    def device_restored(self, device: str, lost_boot_ns: int, boot_ns: int, scans_bad: int) -> None:
        """See `agent.poll.Sink`."""
        lost_s = (boot_ns - lost_boot_ns) / 1e9
        self._pipeline.tell(
            own_event(EventKind.DEVICE_RESTORED, device, boot_ns, lost_s=lost_s, scans_bad=scans_bad)
        )
        self._outages.end(Subject(Part.DEVICE, device), boot_ns)
        del self._lost[device]
        self._look_at_link(device, boot_ns)

    def look(self, boot_ns: int) -> None:
        """Begin the gap of a lost device anew where its cause has changed: somebody works on it, or not."""
        for device in self._lost:
            self._look_at_device(device, boot_ns)

    def _look_at_device(self, device: str, boot_ns: int) -> None:
        subject = Subject(Part.DEVICE, device)
        if self._outages.cause_of(subject) is not self._cause(device):
            self._outages.end(subject, boot_ns)
            self._begin(device, boot_ns)

    def _begin(self, device: str, boot_ns: int) -> None:
        hold = self._maintenance.get(device)
        by = "" if hold is None else hold.who
        self._outages.begin(Subject(Part.DEVICE, device), self._cause(device), boot_ns, by=by)

    def _cause(self, device: str) -> GapCause:
        return GapCause.MAINTENANCE if device in self._maintenance else self._lost[device]

    def _look_at_link(self, device: str, boot_ns: int) -> None:
        """Let the gap of a device's link last while all of its devices are cut off, as of the first."""
        link = self._link_of[device]
        if self._lost.get(device) is GapCause.LINK_LOST:
            self._cut_off.setdefault(device, boot_ns)
        elif self._cut_off.pop(device, None) is not None:
            self._outages.end(Subject(Part.LINK, link), boot_ns)
        devices = [device for device in self._polled if self._link_of[device] == link]
        if all(device in self._cut_off for device in devices):
            since = min(self._cut_off[device] for device in devices)
            self._outages.begin(Subject(Part.LINK, link), GapCause.LINK_LOST, since)


def _cause_of(reason: Reason) -> GapCause:
    return GapCause.LINK_LOST if reason is Reason.LINK_DOWN else GapCause.DEVICE_COMMS
