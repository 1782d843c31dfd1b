"""A clock that moves only when nothing else can happen, so that hours pass in milliseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

_SETTLE_TURNS = 20


@dataclass(slots=True)
class VirtualTimer:
    call: Callable[[], None] | None

    def cancel(self) -> None:
        self.call = None


@dataclass
class VirtualClock:
    """Implements `agent.clock.Clock`; `advance` and `run_until` move it."""

    now_ns: int = 1_000_000_000_000
    utc_offset_ns: int = 1_780_000_000_000_000_000
    vouched: bool = True
    _due: list[tuple[int, int, VirtualTimer]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def boot_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return self.now_ns + self.utc_offset_ns

    def vouched_within_ns(self) -> int | None:
        return 1_000_000 if self.vouched else None

    def call_at(self, due_boot_ns: int, call: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(call)
        heapq.heappush(self._due, (due_boot_ns, next(self._order), timer))
        return timer

    async def sleep_until(self, due_boot_ns: int) -> None:
        if due_boot_ns <= self.now_ns:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        self.call_at(due_boot_ns, wake)
        await woken

    async def run_until(self, boot_ns: int) -> None:
        """Let everything happen that is due until `boot_ns`, in order."""
        await settle()
        while self._due and self._due[0][0] <= boot_ns:
            due, _, timer = heapq.heappop(self._due)
            self.now_ns = max(self.now_ns, due)
            if timer.call is not None:
                timer.call()
            await settle()
        self.now_ns = max(self.now_ns, boot_ns)

    async def advance(self, duration_ns: int) -> None:
        """Let everything happen that is due within `duration_ns`."""
        await self.run_until(self.now_ns + duration_ns)


async def settle() -> None:
    """Let every task run until it waits for something that only time or the outside can bring."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)
