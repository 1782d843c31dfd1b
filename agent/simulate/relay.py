"""A line that can be cut, and that may carry answers badly: a TCP relay, so that both its ends live on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from agent.simulate.rudeness import POLITE, Conduct, Reply, misbehave

_CHUNK_BYTES: Final = 65536


class _Stream:
    """The envelope of bytes that nobody here understands: none."""

    transaction = None

    def frame(self, unit_id: int, pdu: bytes, transaction: int | None) -> bytes:  # noqa: ARG002
        """See `agent.simulate.rudeness.Envelope`."""
        return pdu


class Relay:
    """Carries connections to `target_port`; while `cut`, none exist and new ones are closed at once.

    `conduct`: says for each piece that the target sends how it is carried.
    """

    def __init__(self, target_port: int, random: Random | None = None) -> None:
        self._target_port = target_port
        self._random = random or Random(0)
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.conduct: Callable[[], Conduct] = lambda: POLITE
        self.port = 0

    def cut(self) -> None:
        """Lose every connection, and every new one."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Carry connections again."""
        self._cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends."""
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        if self._cut:
            self.cut()
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, lambda: POLITE),
                self._pump(far_reader, writer, lambda: self.conduct()),
            )
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conduct: Callable[[], Conduct]
    ) -> None:
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                manner, pause_s = conduct()
                for piece in misbehave(manner, Reply(_Stream(), 0, chunk), pause_s, self._random):
                    await asyncio.sleep(piece.pause_s)
                    if piece.data is None:
                        writer.transport.abort()
                    writer.write(piece.data or b"")
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def relaying(
    target_port: int, port: int = 0, *, host: str = "127.0.0.1", random: Random | None = None
) -> AsyncIterator[Relay]:
    """Relay a port (0: a free one, told by `.port`) to loopback's `target_port` until the context is left."""
    relay = Relay(target_port, random)
    server = await asyncio.start_server(relay.carry, host, port)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.cut()
        await server.wait_closed()
