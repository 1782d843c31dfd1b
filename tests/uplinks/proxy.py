"""A wire that a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Carries bytes between the clients of `port` and a server on loopback until it is cut."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Reset both sides of every connection."""
        for writer in self.writers:
            writer.transport.abort()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        wire.writers += [writer, there_writer]
        await asyncio.gather(_carry(reader, there_writer), _carry(there_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(server)
    try:
        yield wire
    finally:
        wire.cut()
        server.close()
        await server.wait_closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
    writer.close()
