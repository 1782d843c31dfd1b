"""How idle the event loop is: the time for which it waits with nothing to do."""

from __future__ import annotations

import selectors
import time


class IdleSelector(selectors.DefaultSelector):
    """The system's best selector, adding up for how long it waited (`idle_ns`).

    Processor time says less: a loop that other processes, a quota or another thread's GIL keep from running
    is as full as one that runs all the time.
    """

    idle_ns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector`."""
        begun_ns = time.monotonic_ns()
        found = super().select(timeout)
        self.idle_ns += time.monotonic_ns() - begun_ns
        return found
