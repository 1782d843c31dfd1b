"""One stream's border between the event loop and the writer thread.

Nothing here is locked: every attribute has one writing side, and what crosses is a deque (appended on
one side, taken on the other) or an immutable object put in place by a single assignment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from buffer.frame import Entry
from buffer.record import Record
from buffer.segment import Opening
from config.vocabulary import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Finish the segment in hand and begin the next, with the preamble that holds at this point."""

    opening: Opening
    preamble: tuple[Entry, ...]


class Place(NamedTuple):
    """A place in a stream: segment number and offset. Places compare in log order."""

    segment: int
    offset: int


class Stored(NamedTuple):
    """A stored record, its place, where the next begins, and the readings of the run before it."""

    record: Record
    place: Place
    end: Place
    readings_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How far a stream is stored: everything before `end` may be read, nothing else.

    `seq`, `readings`: the run's numbers stored and the readings in them. `recent`: the newest stored records,
    uncompressed, in order.
    """

    end: Place
    seq: int = 0
    readings: int = 0
    recent: tuple[Stored, ...] = ()


@dataclass(slots=True)
class Channel:
    """One stream. The loop gives, the writer takes.

    The writer thread writes `tail` and `taken_bytes` and sets `rotation_due`; the event loop clears that and
    writes all else. `seq`, `readings`: given out, dropped ones included; `queued_...`: without those dropped
    since the last record that was queued. `begun`: there is a segment to put records in.
    """

    stream: Stream
    limit_bytes: int
    tail: Tail
    queue: deque[Entry | Rotation] = field(default_factory=deque)
    seq: int = 0
    readings: int = 0
    queued_seq: int = 0
    queued_readings: int = 0
    given_bytes: int = 0
    taken_bytes: int = 0
    rotation_due: bool = True
    begun: bool = False

    @property
    def pending_bytes(self) -> int:
        """Bytes of bodies that wait to be stored."""
        return self.given_bytes - self.taken_bytes
