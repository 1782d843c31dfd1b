"""What has no data now; its beginning and its end become GAP records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.anchor import Anchor
from agent.gap import GapBody, GapCause, Moment, Part, Subject
from config.plant import Plant


@dataclass(slots=True)
class Outages:
    """Records what begins and ends; whoever kills the agent leaves the beginning.

    `record`: takes what is to be recorded. `anchor`: gives the newest.
    """

    plant: Plant
    record: Callable[[GapBody], None]
    anchor: Callable[[], Anchor]
    _open: dict[Subject, GapBody] = field(default_factory=dict)

    def cause_of(self, subject: Subject) -> GapCause | None:
        """Return why there is no data of a subject now; None where there is."""
        gap = self._open.get(subject)
        return None if gap is None else gap.cause

    def lasting(self) -> list[GapBody]:
        """Return what has no data now, the oldest first."""
        return list(self._open.values())

    def begin(self, subject: Subject, cause: GapCause, boot_ns: int, *, by: str = "") -> None:
        """Record that there is no data since an instant of this boot; once, whatever else causes it then."""
        if subject in self._open:
            return
        gap = GapBody(
            cause=cause,
            device=_name(subject, Part.DEVICE),
            link=_name(subject, Part.LINK),
            uplink=_name(subject, Part.UPLINK),
            start=Moment.by(self.anchor(), boot_ns),
            end=None,
            by=by,
            title=_title(subject, self.plant),
        )
        self._open[subject] = gap
        self.record(gap)

    def end(self, subject: Subject, boot_ns: int) -> None:
        """Record that there is data again, where there was none."""
        gap = self._open.pop(subject, None)
        if gap is not None:
            self.record(ended(gap, Moment.by(self.anchor(), boot_ns), self.plant))

    def end_all(self, boot_ns: int) -> None:
        """Record the end of everything that has no data: the agent goes, and will begin anew."""
        for subject in list(self._open):
            self.end(subject, boot_ns)


def ended(gap: GapBody, end: Moment, plant: Plant) -> GapBody:
    """Return a gap with its end and an estimate of the scans that it cost."""
    gap = replace(gap, end=end)
    if gap.length_ns is None or gap.subject.part is Part.UPLINK:
        return gap
    groups = [group for group in plant.groups if _concerns(gap.subject, group.device, plant)]
    missed = sum(gap.length_ns // plant.scan_class_of(group).period for group in groups)
    return replace(gap, scans_missed=missed)


def _concerns(subject: Subject, device: str, plant: Plant) -> bool:
    """Tell whether a device has no data while a subject has none."""
    match subject.part:
        case Part.DEVICE:
            return subject.name == device
        case Part.LINK:
            return subject.name == plant.description.devices[device].link
    return subject.part is Part.GATEWAY


def _title(subject: Subject, plant: Plant) -> str:
    return plant.description.devices[subject.name].title if subject.part is Part.DEVICE else ""


def _name(subject: Subject, part: Part) -> str | None:
    return subject.name if subject.part is part else None
