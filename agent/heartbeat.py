"""Once a second: the watchdog, and what else needs a look."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from agent.clock_watch import ClockWatch
from agent.daily import DailySummary
from agent.expiry_watch import ExpiryWatch
from agent.gap_watch import GapWatch
from agent.load_watch import LoadWatch
from agent.notify import notify, watchdog_period_ns
from agent.store_watch import StoreWatch
from agent.wiring import Wiring

PERIOD_NS: Final = 10**9


class Watch(Protocol):
    """Looks at one thing, and says what has changed."""

    def look(self, now_ns: int) -> None:
        """Look once; `now_ns`: CLOCK_BOOTTIME."""
        ...


class Heartbeat:
    """Looks after what needs a look every second."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._watches: tuple[Watch, ...] = (
            ClockWatch(wiring),
            GapWatch(wiring),
            LoadWatch(wiring),
            StoreWatch(wiring),
            ExpiryWatch(wiring),
            DailySummary(wiring),
        )
        self._progress = -1
        self._progress_ns = 0
        self._fed_ns = 0

    async def run(self) -> None:
        """Beat until cancelled."""
        clock = self._wiring.clock
        self._wiring.governor.start()
        due = clock.boot_ns()
        while True:
            due += PERIOD_NS * max(1, (clock.boot_ns() - due) // PERIOD_NS)  # what was missed is not made up
            await clock.sleep_until(due)
            self._feed_watchdog(clock.boot_ns())
            self._wiring.pipeline.keep_state_if_owed()
            for watch in self._watches:
                await asyncio.sleep(0)  # each in a turn of the loop of its own
                watch.look(clock.boot_ns())

    def _feed_watchdog(self, now_ns: int) -> None:
        """Tell the service manager of progress: scans that went all the way, not the passing of time.

        Between two scans there is none to be had: two periods of the fastest scan group may pass without.
        """
        period_ns = watchdog_period_ns()
        if period_ns is None:
            return
        if self._wiring.pipeline.progress != self._progress:
            self._progress, self._progress_ns = self._wiring.pipeline.progress, now_ns
        stuck = now_ns - self._progress_ns > 2 * self._scan_period_ns()
        if not stuck and now_ns - self._fed_ns >= period_ns // 2:
            self._fed_ns = now_ns
            notify("WATCHDOG=1")

    def _scan_period_ns(self) -> int:
        """Return how often at least one group is read now."""
        plant = self._wiring.plant
        fastest_ns = min((plant.scan_class_of(group).period for group in plant.groups), default=0)
        return round(fastest_ns * (1 + self._wiring.governor.level))
