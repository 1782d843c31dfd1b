"""How much this process has had written to disk: what wears out a flash medium."""

from __future__ import annotations

import os
import time
from pathlib import Path

_START_FIELD = 22 - 3
"""Of proc_pid_stat(5), behind the command's name."""


def written_bytes() -> int | None:
    """Return what the storage has had to write for this process (proc_pid_io(5)); 0 for a directory in RAM.

    None where the kernel does not say.
    """
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), None)


def running_s() -> float:
    """Return for how long this process has been running."""
    behind_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    started_s = int(behind_name[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
