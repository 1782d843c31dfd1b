"""Reads in between, for a session that is used more rarely than its server remembers it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drivers.contract import DeviceError

Ask = Callable[[], Awaitable[object]]


class Keeper:
    """Lets the server hear of a session now and then; its task ends with `stop`, or its first failure."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def failed(self) -> bool:
        """Whether the server did not answer, so that the session is of no more use. Raises a bug."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return False
        self._task.result()
        return True

    @property
    def busy(self) -> bool:
        """Whether there is still a task to end."""
        return self._task is not None and not self._task.done()

    def start(self, ask: Ask, every_s: float, name: str) -> None:
        """Ask the server anything, which may raise DeviceError, every so many seconds from now on."""
        self._task = asyncio.create_task(self._keep(ask, every_s), name=f"keep {name}")

    def stop(self) -> None:
        """End the task within the next turns of the loop."""
        if self._task is not None:
            self._task.cancel()

    async def stopped(self) -> None:
        """End the task; afterwards there is none."""
        self.stop()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _keep(self, ask: Ask, every_s: float) -> None:
        try:
            while True:
                await asyncio.sleep(every_s)
                await ask()
        except DeviceError:
            return  # whoever would use the session next makes another
