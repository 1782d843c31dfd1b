"""The program's clocks, behind one interface, so that tests can bring their own."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Three times and a sleep. Scheduling and delays use `boot_ns`; UTC is only ever a stamp."""

    def boot_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds: never steps, goes on during suspend."""
        ...

    def utc_ns(self) -> int:
        """UTC in nanoseconds since 1970; may step."""
        ...

    async def sleep_until(self, due_boot_ns: int) -> None:
        """Return at or after the instant; at once if it is past (still yielding to others)."""
        ...


class SystemClock:
    """The machine's clocks."""

    def boot_ns(self) -> int:
        """See `Clock`."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def utc_ns(self) -> int:
        """See `Clock`."""
        return time.time_ns()

    async def sleep_until(self, due_boot_ns: int) -> None:
        """See `Clock`."""
        await asyncio.sleep(max(0, due_boot_ns - self.boot_ns()) / 1e9)


def boot_id() -> str:
    """Return the kernel's id of this boot: 32 hex digits."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
