"""HTTP(S) POST: one message a request, and the reply code is the acknowledgement.

One request at a time, so that messages arrive in their order; what a platform takes is what its answers
allow. There is no last will: a platform knows that a gateway is gone by the presence that it misses.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from agent.uplinks.contract import Message, UplinkBusy, UplinkDown, UplinkRefused, UplinkTurnedAway
from agent.uplinks.line import tune
from agent.uplinks.off_loop import off_loop
from agent.uplinks.tls import connect_words, tls_context
from config.secrets import SecretError, resolve
from config.text import Text, text
from config.uplinks import HttpUplink, Tls

KEEP_HEADER: Final = "Fengsui-Keep"
"""Names the header that asks to keep the newest message of a kind."""
_PORTS: Final = {"http": 80, "https": 443}
_GOOD: Final = range(200, 300)
_NOT_NOW: Final = frozenset((408, 425, 429, 502, 503, 504))
_NOT_US: Final = frozenset((401, 403, 404, 405, 407))
_REFUSALS: Final = range(400, 500)
_FAILURES: Final = range(500, 600)

Address = tuple[int, str]
"""Address family and IP address."""


class PostUplink:
    """One while of posting to `<url>/<kind>` (`agent.uplinks.contract.Uplink`), until something fails."""

    window = 1

    def __init__(self, settings: HttpUplink) -> None:
        self._settings = settings
        self._timeout_s = settings.timeout / 1e9
        parts = urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._secure = parts.scheme == "https"
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Lock()
        self._closed = asyncio.Event()
        self._why = text("not connected")

    async def connect(self) -> None:
        """See `Uplink`."""
        context = tls_context(self._settings.tls or Tls()) if self._secure else None
        headers = {} if self._settings.token is None else {"Authorization": f"Bearer {self._token()}"}
        try:
            async with asyncio.timeout(self._timeout_s):
                addresses = await self._addresses()
                await self._try_out(addresses, context)
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
            raise UplinkDown(connect_words(error)) from error
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1, ssl=context or False, resolver=_Known(addresses), socket_factory=_tuned_socket
            ),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            headers=headers | {"Content-Type": "application/json"},
        )

    async def send(self, message: Message) -> None:
        """See `Uplink`."""
        async with self._turn:
            if self._session is None or self._closed.is_set():
                raise UplinkDown(self._why)
            try:
                status = await self._post(self._session, message)
            except TimeoutError as error:
                raise self._lose(text("the platform does not answer")) from error
            except (aiohttp.ClientError, OSError) as error:
                raise self._lose(text("the connection was lost")) from error
        self._judge(status)

    async def heard(self) -> bytes:
        """See `Uplink`."""
        silence: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await silence

    async def closed(self) -> UplinkDown:
        """See `Uplink`."""
        await self._closed.wait()
        return UplinkDown(self._why)

    async def close(self) -> None:
        """See `Uplink`."""
        self._lose(text("closed"))
        if self._session is not None:
            await self._session.close()

    async def _post(self, session: aiohttp.ClientSession, message: Message) -> int:
        url = f"{self._settings.url.rstrip('/')}/{message.kind}"
        headers = {KEEP_HEADER: "1"} if message.retain else None
        async with session.post(url, data=message.payload, headers=headers, allow_redirects=False) as reply:
            return reply.status

    def _judge(self, status: int) -> None:
        """Return where a reply says that the platform has the message; raise what it says otherwise."""
        if status in _GOOD:
            return
        words = text("the platform takes nothing for now: it answered {status}", status=status)
        if status in _NOT_US:
            raise UplinkTurnedAway(words)
        if status in _REFUSALS and status not in _NOT_NOW:
            raise UplinkRefused(text("the platform refused the message: it answered {status}", status=status))
        if status in _FAILURES and status not in _NOT_NOW:
            raise UplinkDown(words)  # perhaps at this very message
        raise UplinkBusy(words)

    def _token(self) -> str:
        assert self._settings.token is not None
        try:
            return resolve(self._settings.token).reveal()
        except SecretError as error:
            raise UplinkDown(error.words) from error

    async def _addresses(self) -> list[Address]:
        """Resolve the host's name, in a thread that delays nobody's stop."""
        found: list[Address] = []

        def look_up() -> None:
            for family, _, _, _, address in socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM
            ):
                found.append((family, str(address[0])))

        await off_loop(look_up, abandoned=lambda: None)
        return found

    async def _try_out(self, addresses: list[Address], context: ssl.SSLContext | None) -> None:
        """Connect to one of them, so that what is wrong is named before anything is sent."""
        failure: OSError = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        for _, address in addresses:
            try:
                async with asyncio.timeout(self._timeout_s / len(addresses)):
                    _, writer = await asyncio.open_connection(
                        address, self._port, ssl=context, server_hostname=self._host if context else None
                    )
            except OSError as error:  # TimeoutError is one
                failure = error
            else:
                writer.close()
                return
        raise failure

    def hurry(self) -> None:
        """See `Uplink`."""

    def _lose(self, why: Text) -> UplinkDown:
        """End it for good; return what to raise."""
        if not self._closed.is_set():
            self._closed.set()
            self._why = why
        return UplinkDown(self._why)


class _Known(AbstractResolver):
    """Gives addresses that were resolved before: aiohttp's own way would delay the process's end."""

    def __init__(self, addresses: list[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See `AbstractResolver`."""
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST
            )
            for kind, address in self._addresses
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """See `AbstractResolver`."""


def _tuned_socket(
    address: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]],
) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    tune(made)
    return made
