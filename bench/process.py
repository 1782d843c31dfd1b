"""What a process costs, from /proc: CPU time, proportional set size; and how busy the machine is besides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

Part = Literal["Pss", "Pss_Anon"]

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return user + system CPU time of a process and all its threads (proc_pid_stat(5), 14 and 15)."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S


def pss_bytes(pid: int, part: Part = "Pss") -> int:
    """Return the proportional set size of a process, or its anonymous part (smaps_rollup, proc(5)).

    The rest of it are files, which count less for each other program on the machine that maps them, too.
    """
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return 1024 * next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(f"{part}:"))


def busy_s() -> float:
    """Return the CPU time that anything has spent on this machine since boot, stolen time included."""
    user, nice, system, _, _, irq, soft, steal = map(int, _first_line_of_stat().split()[1:9])
    return (user + nice + system + irq + soft + steal) / _TICKS_PER_S


def _first_line_of_stat() -> str:
    return Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
