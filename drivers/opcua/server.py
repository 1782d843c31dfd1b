"""An OPC UA server as its devices share it: a session on demand, dropped at its first failure."""

from __future__ import annotations

import asyncio
from typing import Final

from config.links import OpcUaLink
from config.text import text
from drivers.contract import DeviceError, DriverCounters, LinkDown
from drivers.opcua.session import Session
from drivers.shared import Shared

_SECOND_NS: Final = 10**9
_SHORTEST_SESSION_S: Final = 120.0
_PERIODS_PER_SESSION: Final = 3


class OpcUaServer(Shared):
    """One server. Its sessions read for several devices at a time.

    A session that was never closed (a killed agent) is forgotten by the server after two minutes, or three of
    the longest scan periods: small PLCs have few sessions to give.
    """

    def __init__(self, link: OpcUaLink, longest_period_ns: int) -> None:
        super().__init__()
        self._link = link
        self._session_timeout_s = max(
            _SHORTEST_SESSION_S, _PERIODS_PER_SESSION * longest_period_ns / _SECOND_NS
        )
        self._connecting = asyncio.Lock()
        self._session: Session | None = None
        self._failed_connects = 0
        self._failure: DeviceError = LinkDown(text("not connected yet"))
        self._closed = False

    async def session(self, counters: DriverCounters) -> Session:
        """Return the connected session, connecting first where there is none. Raises DeviceError."""
        if self._session is not None:
            return self._session
        failed_connects = self._failed_connects
        async with self._connecting:
            if self._session is None:
                if failed_connects != self._failed_connects:
                    raise self._failure  # it failed while this caller waited: that answers for all who waited
                self._session = await self._connect(counters)
            return self._session

    def drop(self, session: Session) -> None:
        """Drop a session that failed; the next caller gets another."""
        session.drop()
        if self._session is session:
            self._session = None

    async def close(self) -> None:
        """See `Shared`."""
        self._closed = True
        async with self._connecting:  # whoever is just connecting comes to an end first
            session, self._session = self._session, None
        if session is not None:
            await session.close()
        await asyncio.sleep(0)  # the loop closes an aborted socket in its next turn

    async def _connect(self, counters: DriverCounters) -> Session:
        if self._closed:
            raise LinkDown(text("the link is closed"))
        session = Session(self._link.url, self._link.timeout / _SECOND_NS, self._session_timeout_s)
        counters.connects += 1
        try:
            await session.connect()
        except DeviceError as error:
            self._failed_connects += 1
            self._failure = error
            raise
        return session
