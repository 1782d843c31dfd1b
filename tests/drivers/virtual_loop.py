"""An event loop on which waiting costs nothing: time jumps to the next timer when nothing else happens.

Nor does anything else take time: however slow the machine is, everything happens at the same instants.

Real sockets on loopback work as long as both ends live on this loop: what was sent has then arrived.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.jumped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout:
            self.jumped_s += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped_s


def run_virtually(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main)
