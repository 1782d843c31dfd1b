"""What has no data now; its beginning and its end become GAP records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.anchor import Anchor
from agent.gap import GapBody, Moment, Part, Subject
from config.vocabulary import GapCause


@dataclass(slots=True)
class Outages:
    """Records what begins and ends; whoever kills the agent leaves the beginning.

    `record`: takes what is to be recorded. `anchor`: gives the newest.
    """

    record: Callable[[GapBody], None]
    anchor: Callable[[], Anchor]
    _open: dict[Subject, GapBody] = field(default_factory=dict)

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
        )
        self._open[subject] = gap
        self.record(gap)

    def end(self, subject: Subject, boot_ns: int, *, scans_missed: int | None = None) -> None:
        """Record that there is data again, where there was none."""
        gap = self._open.pop(subject, None)
        if gap is not None:
            self.record(gap.ended(Moment.by(self.anchor(), boot_ns), scans_missed))

    def end_all(self, boot_ns: int) -> None:
        """Record the end of everything that has no data: the agent goes, and will begin anew."""
        for subject in list(self._open):
            self.end(subject, boot_ns)


def _name(subject: Subject, part: Part) -> str | None:
    return subject.name if subject.part is part else None
