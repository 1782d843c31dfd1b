"""What the log takes on disk, what is written for it (more, for half-filled pages), and what a sync takes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from bench.figures import percentile

_PROBES: Final = 300


def log_bytes(state: Path) -> int:
    """Return the size of all segments below a state folder; 0 where nothing is kept (the bare loop)."""
    return sum(segment.stat().st_size for segment in (state / "log").glob("*.seg"))


def written_bytes(pid: int) -> int:
    """Return what a process made the storage layer write (proc_pid_io(5), `write_bytes`); 0 on a tmpfs."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def sync_p99_ms(folder: Path) -> float:
    """Return what a sync of a few appended bytes takes on this file system, at the 99th percentile."""
    times_ns = []
    with (folder / "probe").open("wb", buffering=0) as probe:
        for _ in range(_PROBES):
            begun_ns = time.monotonic_ns()
            probe.write(b"x" * 512)
            os.fdatasync(probe.fileno())
            times_ns.append(time.monotonic_ns() - begun_ns)
    return percentile(times_ns, 0.99) / 1e6
