"""The program's clocks, behind one interface, so that tests can bring their own."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, Protocol

_STA_UNSYNC: Final = 0x0040
_TIMEX: Final = ctypes.c_char * 208  # once: every such type is a circle that only a collector ends
_TIMEX_MAXERROR: Final = 24  # offsets in struct timex where a long has 64 bits
_TIMEX_STATUS: Final = 40


class Timer(Protocol):
    """What `call_at` gives back."""

    def cancel(self) -> None:
        """Forget the call, if it has not happened."""
        ...


class Clock(Protocol):
    """Two times and two ways to wait. Scheduling and delays use `boot_ns`; UTC is only ever a stamp."""

    def boot_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds: never steps, goes on during suspend."""
        ...

    def utc_ns(self) -> int:
        """UTC in nanoseconds since 1970; may step."""
        ...

    def vouched_within_ns(self) -> int | None:
        """How wrong `utc_ns` may be by whoever vouches for it (NTP, PTP); None where nobody does."""
        ...

    async def sleep_until(self, due_boot_ns: int) -> None:
        """Return at or after the instant; at once if it is past (still yielding to others)."""
        ...

    def call_at(self, due_boot_ns: int, call: Callable[[], None]) -> Timer:
        """Arrange for `call` at or after the instant."""
        ...


class SystemClock:
    """The machine's clocks."""

    def boot_ns(self) -> int:
        """See `Clock`."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def utc_ns(self) -> int:
        """See `Clock`."""
        return time.time_ns()

    def vouched_within_ns(self) -> int | None:
        """Ask the kernel (adjtimex(2), STA_UNSYNC and maxerror); where it may not be asked, nobody does."""
        buffer = _TIMEX()
        if _libc().adjtimex(buffer) < 0:
            return None
        status = int.from_bytes(buffer.raw[_TIMEX_STATUS : _TIMEX_STATUS + 4], "little")
        if status & _STA_UNSYNC:
            return None
        return 1000 * int.from_bytes(buffer.raw[_TIMEX_MAXERROR : _TIMEX_MAXERROR + 8], "little")

    async def sleep_until(self, due_boot_ns: int) -> None:
        """See `Clock`."""
        await asyncio.sleep(max(0, due_boot_ns - self.boot_ns()) / 1e9)

    def call_at(self, due_boot_ns: int, call: Callable[[], None]) -> Timer:
        """See `Clock`."""
        delay_s = max(0, due_boot_ns - self.boot_ns()) / 1e9
        return asyncio.get_running_loop().call_later(delay_s, call)


def boot_id() -> str:
    """Return the kernel's id of this boot: 32 hex digits."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
