"""The file drop: messages gathered into files in a folder that somebody else empties, as for a one-way diode.

A message is acknowledged when its file is on the disk under its name. Nobody answers, so there is no last
will, and what the reader does with a file is not known.
"""

from __future__ import annotations

import asyncio
from typing import Final

from agent.uplinks.contract import Message, UplinkDown
from agent.uplinks.drop_folder import DropFolder
from agent.uplinks.off_loop import off_loop
from config.causes import cause_of
from config.text import Text, text

WINDOW: Final = 200
FILE_BYTES: Final = 1_000_000
FOLDER_TIMEOUT_S: Final = 20.0

Waiting = tuple[Message, asyncio.Future[None]]


class DropUplink:
    """One while of writing into a folder (`agent.uplinks.contract.Uplink`), until something fails.

    `every_s`: how long the first message of a file waits for others.
    """

    window = WINDOW

    def __init__(self, folder: DropFolder, every_s: float) -> None:
        self._folder = folder
        self._every_s = every_s
        self._waiting: list[Waiting] = []
        self._written: list[Waiting] = []
        self._bytes = 0
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._why = text("not connected")

    async def connect(self) -> None:
        """See `Uplink`."""
        try:
            async with asyncio.timeout(FOLDER_TIMEOUT_S):
                await off_loop(self._folder.open, abandoned=_leave_it)
        except OSError as error:  # TimeoutError is one
            raise UplinkDown(_unusable(error)) from error
        self._writer = asyncio.create_task(self._write())

    async def send(self, message: Message) -> None:
        """See `Uplink`."""
        if self._closed.is_set() or self._writer is None:
            raise UplinkDown(self._why)
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append((message, stored))
        self._bytes += len(message.payload)
        if len(self._waiting) >= WINDOW or self._bytes >= FILE_BYTES:
            self._due.set()
        elif self._timer is None:
            self._timer = loop.call_later(self._every_s, self._due.set)
        await stored

    async def heard(self) -> bytes:
        """See `Uplink`."""
        silence: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await silence

    def hurry(self) -> None:
        """See `Uplink`."""
        self._every_s = 0.0
        if self._waiting:
            self._due.set()

    async def closed(self) -> UplinkDown:
        """See `Uplink`."""
        await self._closed.wait()
        return UplinkDown(self._why)

    async def close(self) -> None:
        """See `Uplink`."""
        self._lose(text("closed"))
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        """Write one file after another until one cannot be written."""
        while not self._closed.is_set():
            await self._due.wait()
            self._written = self._gathered()
            try:
                async with asyncio.timeout(FOLDER_TIMEOUT_S):
                    await off_loop(self._put, abandoned=_leave_it)
            except OSError as error:
                self._lose(_unusable(error))
            except UplinkDown as error:
                self._lose(error.words)
            else:
                _settle(self._written)

    def _put(self) -> None:
        self._folder.put([message for message, _ in self._written])

    def _gathered(self) -> list[Waiting]:
        batch, self._waiting, self._bytes = self._waiting, [], 0
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return batch

    def _lose(self, why: Text) -> None:
        """End it for good and tell everybody who waits."""
        if not self._closed.is_set():
            self._closed.set()
            self._why = why
        for _, stored in self._written + self._gathered():
            if not stored.done():
                stored.set_exception(UplinkDown(self._why))


def _settle(batch: list[Waiting]) -> None:
    for _, stored in batch:
        if not stored.done():
            stored.set_result(None)


def _unusable(error: OSError) -> Text:
    if isinstance(error, TimeoutError):
        return text("the folder does not answer")
    return text("the folder cannot be used: {cause}", cause=error.strerror or cause_of(error))


def _leave_it() -> None:
    """A file that is finished after all is sent again: receivers know it by its keys."""
