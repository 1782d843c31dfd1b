"""What the judge remembers across a restart, as bytes.

Keyed by names and by a digest of each rule, never by number: a rule that has changed starts afresh. The bytes
are JSON and go into the log's STATE records; nobody else reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from config.vocabulary import EventKind, Priority
from filters.alarm import SavedAlarm
from filters.comparisons import SavedComparison
from filters.event import Event
from filters.first_out import First
from filters.holds import Hold
from filters.nuisance import SavedNuisance
from filters.witnesses import SavedInterlock

VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that is kept, by name; times are CLOCK_BOOTTIME of the run that took it, at `now_ns`."""

    version: int
    now_ns: int
    comparisons: dict[str, SavedComparison]
    interlocks: dict[str, SavedInterlock]
    firsts: dict[str, First]
    nuisance: SavedNuisance
    shelves: dict[str, Hold]
    mutes: dict[str, Hold]
    maintenance: dict[str, Hold]
    alarms: dict[str, SavedAlarm] = field(default_factory=dict)


_ADAPTER: Final = TypeAdapter(Snapshot)


def dump(snapshot: Snapshot, alarms: bytes) -> bytes:
    """Return a snapshot as bytes, with these alarms, which are the members of a JSON object already."""
    rest = _ADAPTER.dump_json(snapshot, exclude_defaults=True)
    return b"".join((rest[:-1], b',"alarms":{', alarms, b"}}"))


def state_lost(now_ns: int) -> Event:
    """Return the event that what was remembered cannot be read: nobody knows what was told and stands."""
    return Event(
        kind=EventKind.STATE_LOST,
        rule="state",
        priority=Priority.HIGH,
        boot_ns=now_ns,
        scan_boot_ns=now_ns,
    )


def load(body: bytes) -> Snapshot | None:
    """Return the snapshot in these bytes; None where another version, or nobody, wrote them."""
    try:
        snapshot = _ADAPTER.validate_json(body)
    except ValidationError:
        return None
    return snapshot if snapshot.version == VERSION else None
