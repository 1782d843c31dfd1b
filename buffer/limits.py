"""The sizes that follow from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from buffer.ballast import BALLAST_BYTES
from buffer.record import MAX_BODY_BYTES
from config.models import LogSettings
from config.vocabulary import Stream

_SEGMENTS_IN_CAP: Final = 8
_EVENTS_OF_CAP: Final = 4
_MOST_PENDING_BYTES: Final = {Stream.EVENTS: 2 << 20, Stream.READINGS: 8 << 20}
_MOST_RECENT_BYTES: Final = {Stream.EVENTS: 1 << 20, Stream.READINGS: 4 << 20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All in bytes. `events_cap`: what of the cap events may take; readings may take what they leave.

    `pending`: may wait to be stored. `recent`: kept in RAM once stored.
    """

    cap: int
    events_cap: int
    segment: dict[Stream, int]
    ballast: int
    quarantine: int
    pending: dict[Stream, int]
    recent: dict[Stream, int]

    @property
    def reserve(self) -> int:
        """Room that finished segments must leave for those in hand and the ballast."""
        return sum(self.segment.values()) + self.ballast

    @classmethod
    def of(cls, settings: LogSettings) -> Limits:
        """Derive the sizes: a segment is at most an eighth of its stream's cap, deleting it a small step."""
        least = 2 * MAX_BODY_BYTES
        events_cap = min(settings.events_cap or settings.cap // _EVENTS_OF_CAP, settings.cap)
        return cls(
            cap=settings.cap,
            events_cap=events_cap,
            segment={
                Stream.EVENTS: min(settings.segment, events_cap // _SEGMENTS_IN_CAP),
                Stream.READINGS: min(settings.segment, settings.cap // _SEGMENTS_IN_CAP),
            },
            ballast=min(BALLAST_BYTES, settings.cap // 32),
            quarantine=settings.cap // 16,
            pending={
                stream: max(least, min(most, settings.cap // 16))
                for stream, most in _MOST_PENDING_BYTES.items()
            },
            recent={stream: min(most, settings.cap // 16) for stream, most in _MOST_RECENT_BYTES.items()},
        )
