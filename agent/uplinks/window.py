"""Messages under way on one connection: how many there may be, and who waits for which answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    """A message on its way: who waits for its acknowledgement, and since when."""

    answer: asyncio.Future[None]
    since_s: float


class Window:
    """Closed until `open`; for good after `lose`. Numbers are the transport's packet ids."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(0)
        self._under_way: dict[int, _UnderWay] = {}
        self._last_answer_s = 0.0

    def open(self, size: int) -> None:
        """Let so many messages be under way."""
        for _ in range(size):
            self._room.release()

    async def enter(self) -> None:
        """Wait for room."""
        await self._room.acquire()

    def leave(self) -> None:
        """Give up the room, with nothing sent."""
        self._room.release()

    def sent(self, number: int) -> asyncio.Future[None]:
        """Return what becomes of a message that was just sent in the room that `enter` gave."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self._under_way[number] = _UnderWay(answer=answer, since_s=loop.time())
        return answer

    def answer(self, number: int, failure: Exception | None) -> None:
        """Pass the answer to a message on; None is yes. Numbers that are not under way mean nothing."""
        found = self._under_way.pop(number, None)
        if found is None:
            return
        self._last_answer_s = asyncio.get_running_loop().time()
        self._room.release()
        _settle(found.answer, failure)

    @property
    def silent_s(self) -> float:
        """For how long no answer has come although one is due; 0 where none is."""
        oldest = next(iter(self._under_way.values()), None)
        if oldest is None:
            return 0.0
        return asyncio.get_running_loop().time() - max(oldest.since_s, self._last_answer_s)

    def lose(self, failure: Callable[[], Exception]) -> None:
        """Tell everybody who waits that no answer will come."""
        for found in self._under_way.values():
            _settle(found.answer, failure())
        self._under_way.clear()
        self._room.release()  # each waiting sender wakes the next


def _settle(answer: asyncio.Future[None], failure: Exception | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(None)
    else:
        answer.set_exception(failure)
