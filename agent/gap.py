"""The GAP record: time without data, of what, why, and who had it so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, NamedTuple

import orjson
from pydantic import TypeAdapter

from agent.anchor import Anchor
from agent.bodies import unpack_json
from agent.naming import titled
from config.text import Text, text
from config.units import S


class GapCause(StrEnum):
    """Why there was no data for a time."""

    CLEAN_STOP = "clean_stop"
    AGENT_CRASH = "agent_crash"
    HOST_DOWN_UNCLEAN = "host_down_unclean"
    MAINS_LOST = "mains_lost"
    DEVICE_COMMS = "device_comms"
    LINK_LOST = "link_lost"
    PLATFORM_REFUSED = "platform_refused"
    MAINTENANCE = "maintenance"
    CLOCK_STEP = "clock_step"
    DISK_FULL = "disk_full"
    DISK_SLOW = "disk_slow"


class Part(StrEnum):
    """Which part of the way from instrument to platform had no data; everything, where it is the gateway."""

    GATEWAY = "gateway"
    LINK = "link"
    DEVICE = "device"
    UPLINK = "uplink"


class Subject(NamedTuple):
    """What had no data: a part, and its name in the plant description (empty for the gateway)."""

    part: Part
    name: str = ""


GATEWAY: Final = Subject(Part.GATEWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant that may lie in another boot: CLOCK_BOOTTIME and the UTC that was believed then."""

    boot_id: str
    boot_ns: int
    utc_ns: int

    @classmethod
    def by(cls, anchor: Anchor, boot_ns: int) -> Moment:
        """Date an instant of an anchor's boot by it."""
        return cls(boot_id=anchor.boot_id, boot_ns=boot_ns, utc_ns=anchor.utc_ns_of(boot_ns))

    def dated(self, anchor: Anchor | None) -> Moment:
        """Return the instant with the UTC that a newer anchor of its boot gives it."""
        if anchor is None or anchor.boot_id != self.boot_id:
            return self
        return Moment.by(anchor, self.boot_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapBody:
    """The body of a GAP record. `device`, `link`, `uplink`: whose; all None: the whole gateway's.

    `end`: None where the gap was only beginning; a second record with the same start follows at its end.
    Where none follows, the next gap of the whole gateway took it over. `scans_missed`: an estimate, None
    where it is not known. `by`: who caused it, for people; empty where nobody did or nobody knows. `title`:
    what people call the device.
    """

    version: Literal[1] = 1
    cause: GapCause
    device: str | None = None
    link: str | None = None
    uplink: str | None = None
    start: Moment
    end: Moment | None
    scans_missed: int | None = None
    by: str = ""
    title: str = ""

    @property
    def subject(self) -> Subject:
        """What had no data."""
        for part in (Part.DEVICE, Part.LINK, Part.UPLINK):
            name: str | None = getattr(self, part)
            if name is not None:
                return Subject(part, name)
        return GATEWAY

    def dated(self, anchor: Anchor | None) -> GapBody:
        """Return the gap as a newer anchor dates it; a step of the clock stays what was believed then."""
        if self.cause is GapCause.CLOCK_STEP:
            return self
        end = None if self.end is None else self.end.dated(anchor)
        return replace(self, start=self.start.dated(anchor), end=end)

    @property
    def length_ns(self) -> int | None:
        """How long it was, by CLOCK_BOOTTIME where both ends are of one boot; None where nobody can tell."""
        if self.end is None:
            return None
        if self.start.boot_id == self.end.boot_id:
            return self.end.boot_ns - self.start.boot_ns
        length_ns = self.end.utc_ns - self.start.utc_ns
        return length_ns if length_ns >= 0 else None

    def words(self) -> Text:
        """Return the gap in a sentence, the same for ever: without a length that depends on the dating."""
        what, cause = _what(self.subject, self.title), CAUSES[self.cause]
        if self.cause is GapCause.CLOCK_STEP and self.end is not None:
            stepped_s = f"{(self.end.utc_ns - self.start.utc_ns) / S:+.1f}"
            said = text("{cause} by {seconds} s; nothing is missing", cause=cause, seconds=stepped_s)
        elif self.end is None:
            said = text("no data {what} from now on: {cause}", what=what, cause=cause)
        elif self.start.boot_id != self.end.boot_id:
            said = text("no data {what} until now: {cause}", what=what, cause=cause)
        else:
            seconds = f"{(self.end.boot_ns - self.start.boot_ns) / S:.1f}"
            said = text("no data {what} for {seconds} s: {cause}", what=what, seconds=seconds, cause=cause)
        return text("{said} (by {who})", said=said, who=self.by) if self.by else said


CAUSES: Final[dict[GapCause, Text]] = {
    GapCause.CLEAN_STOP: text("the agent was stopped"),
    GapCause.AGENT_CRASH: text("the agent ended unexpectedly"),
    GapCause.HOST_DOWN_UNCLEAN: text("the machine went down"),
    GapCause.MAINS_LOST: text("the mains failed and the machine went down"),
    GapCause.DEVICE_COMMS: text("the device did not answer"),
    GapCause.LINK_LOST: text("there was no connection"),
    GapCause.PLATFORM_REFUSED: text("the platform refused"),
    GapCause.MAINTENANCE: text("it was being worked on"),
    GapCause.CLOCK_STEP: text("the clock stepped"),
    GapCause.DISK_FULL: text("the disk was full"),
    GapCause.DISK_SLOW: text("the disk did not keep up"),
}

_BODY: Final = TypeAdapter(GapBody)


def pack_gap(gap: GapBody) -> bytes:
    """Return the GAP body."""
    return orjson.dumps(gap)


def unpack_gap(body: bytes) -> GapBody:
    """Return the gap of a GAP body. Raises RecordError."""
    return unpack_json(_BODY, body)


def _what(subject: Subject, title: str) -> Text:
    match subject.part:
        case Part.DEVICE:
            return text("from {name}", name=titled(subject.name, title))
        case Part.LINK:
            return text("over link {name}", name=subject.name)
        case Part.UPLINK:
            return text("to {name}", name=subject.name)
    return text("from the whole gateway")
