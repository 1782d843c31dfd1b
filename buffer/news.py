"""What the writer thread tells the event loop."""

from __future__ import annotations

from dataclasses import dataclass

from buffer.record import Record
from buffer.segment import Contents, Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A segment was finished."""

    opening: Opening
    contents: Contents
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A segment's file was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAside:
    """A record is stored in the quarantine."""

    uplink: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """The file of a record that has left the quarantine is deleted."""

    uplink: str
    record: Record


News = Sealed | Removed | PutAside | TakenOut
