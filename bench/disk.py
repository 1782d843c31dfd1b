"""What the log takes on disk, and what is written for it: more, as half-filled pages are written again."""

from __future__ import annotations

from pathlib import Path


def log_bytes(state: Path) -> int:
    """Return the size of all segments below a state folder; 0 where nothing is kept (the bare loop)."""
    return sum(segment.stat().st_size for segment in (state / "log").glob("*.seg"))


def written_bytes(pid: int) -> int:
    """Return what a process made the storage layer write (proc_pid_io(5), `write_bytes`); 0 on a tmpfs."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))
