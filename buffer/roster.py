"""Which uplinks came and which went since the log was last opened.

An uplink that went leaves its cursor behind until it is closed: then only an empty `closed-<uplink>` says
that headers which name it mean nothing, should it be described again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from buffer.disk import Disk
from buffer.settled import Count
from config.vocabulary import Stream

CURSOR: Final = "cursor-"
CLOSED: Final = "closed-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """An uplink that is described no more, and what it had not been given of what the log has."""

    name: str
    backlog: Mapping[Stream, Count]


def gone(directory: Path, uplinks: Iterable[str]) -> list[str]:
    """Return the uplinks that have a cursor and are described no more."""
    return sorted(_named(directory, CURSOR) - set(uplinks))


def closed(directory: Path) -> set[str]:
    """Return the uplinks that were closed and have not come back."""
    return _named(directory, CLOSED) - _named(directory, CURSOR)


def close(disk: Disk, directory: Path, uplink: str) -> None:
    """Close an uplink for good. Raises OSError, SyncFailed."""
    mark = directory / f"{CLOSED}{uplink}"
    if not mark.exists():
        disk.close(disk.create(mark))
        disk.sync_directory(directory)
    disk.unlink(directory / f"{CURSOR}{uplink}")


def tidy(disk: Disk, directory: Path) -> None:
    """Forget that uplinks were closed which have cursors again."""
    for uplink in _named(directory, CLOSED) & _named(directory, CURSOR):
        disk.unlink(directory / f"{CLOSED}{uplink}")


def _named(directory: Path, prefix: str) -> set[str]:
    return {path.name.removeprefix(prefix) for path in directory.glob(f"{prefix}*")}
