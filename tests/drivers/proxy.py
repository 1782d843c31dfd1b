"""The wire between a driver and a server, in the test's hands: held, cut, mended."""

from __future__ import annotations

import asyncio
from typing import cast


class Proxy:
    """Forwards TCP from `port` to `target`; knows who is connected."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.asked_bytes = 0
        self.held = False
        self.clients: set[_Client] = set()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Clients connected just now."""
        return len(self.clients)

    def hold(self) -> None:
        """Let questions through and keep the answers back."""
        self.held = True
        self.asked_bytes = 0

    def release(self) -> None:
        """Let the answers go, those kept back first."""
        self.held = False
        for client in self.clients:
            client.release()

    async def cut(self) -> None:
        """Break every connection and let nobody in."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.gather(*(client.cut() for client in self.clients))

    async def mend(self) -> None:
        """Let clients in again, at the same port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]


class _End(asyncio.Protocol):
    """One end of a forwarded connection; what it hears while it has no other end is kept."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self.kept = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.abort()

    def data_received(self, data: bytes) -> None:
        self.kept += data
        self.forward()

    def forward(self) -> None:
        if self.other is not None and self.other.transport is not None and self.kept:
            self.other.transport.write(self.kept)
            self.kept = b""

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Client(_End):
    """The driver's end."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._proxy.clients.add(self)
        self._connecting = asyncio.create_task(self._connect())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._proxy.clients.discard(self)
        if self._connecting is not None:
            self._connecting.cancel()

    def data_received(self, data: bytes) -> None:
        self._proxy.asked_bytes += len(data)
        super().data_received(data)

    def release(self) -> None:
        if self.other is not None:
            self.other.forward()

    async def cut(self) -> None:
        for end in (self, self.other):
            if end is not None:
                end.abort()
        await asyncio.sleep(0)  # the loop closes aborted sockets in its next turn

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, self.other = await loop.create_connection(
                lambda: _Server(self, self._proxy), "127.0.0.1", self._proxy.target
            )
        except OSError:
            self.abort()
            return
        self.forward()


class _Server(_End):
    """The server's end."""

    def __init__(self, client: _Client, proxy: Proxy) -> None:
        super().__init__()
        self.other = client
        self._proxy = proxy

    def forward(self) -> None:
        if not self._proxy.held:
            super().forward()
