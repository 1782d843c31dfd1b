"""What the log takes on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes below the state folder (apparent size), in all and for each reading that was delivered."""

    bytes: int
    bytes_per_reading: float


def disk_of(state: Path, readings: int) -> Disk | None:
    """Weigh a state folder; None where there is none (the bare loop keeps nothing)."""
    if not state.exists():
        return None
    size = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
    return Disk(bytes=size, bytes_per_reading=size / max(1, readings))
