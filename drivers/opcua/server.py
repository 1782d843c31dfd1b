"""An OPC UA server as its devices share it: a session on demand, dropped at its first failure."""

from __future__ import annotations

import asyncio
from typing import Final

from config.opcua import OpcUaLink
from config.text import text
from drivers.contract import DeviceError, DeviceRefused, DriverCounters, Expiry, LinkDown
from drivers.opcua.failures import SecurityRefused
from drivers.opcua.keys import KeyStore
from drivers.opcua.session import Session
from drivers.shared import Shared

_SECOND_NS: Final = 10**9
_SHORTEST_SESSION_S: Final = 30.0
_PERIODS_PER_SESSION: Final = 3
_REFUSAL_STANDS_S: Final = 5.0
"""A wrong password or certificate is not tried more often: servers lock users out, and log every attempt."""


class OpcUaServer(Shared):
    """One server. Its sessions read for several devices at a time.

    A session that was never closed (a killed agent, a lost network) is forgotten by the server after half a
    minute, or three of the longest scan periods: small PLCs have few sessions to give.
    """

    def __init__(self, link: OpcUaLink, longest_period_ns: int, keys: KeyStore) -> None:
        super().__init__()
        self._link = link
        self._keys = keys
        self._session_timeout_s = max(
            _SHORTEST_SESSION_S, _PERIODS_PER_SESSION * longest_period_ns / _SECOND_NS
        )
        self._connecting = asyncio.Lock()
        self._session: Session | None = None
        self._dropped: list[Session] = []
        self._failed_connects = 0
        self._failure: DeviceError = LinkDown(text("not connected yet"))
        self._refused_until_s = 0.0
        self._expiries: dict[str, Expiry] = {}
        self._closed = False

    async def session(self, counters: DriverCounters) -> Session:
        """Return the connected session, connecting first where there is none. Raises DeviceError."""
        if self._session is not None and self._session.lost:
            self.drop(self._session)
        if self._session is not None:
            return self._session
        failed_connects = self._failed_connects
        async with self._connecting:
            if self._session is None:
                if failed_connects != self._failed_connects:
                    raise self._failure.again()  # it failed meanwhile: that answers for all who waited
                self._session = await self._connect(counters)
            return self._session

    def drop(self, session: Session) -> None:
        """Drop a session that failed; the next caller gets another."""
        session.drop()
        self._dropped = [found for found in (*self._dropped, session) if found.busy]
        if self._session is session:
            self._session = None

    def expiries(self) -> tuple[Expiry, ...]:
        """Return what has an end: certificates, as soon as they were used."""
        return tuple(self._expiries.values())

    async def close(self) -> None:
        """See `Shared`."""
        self._closed = True
        async with self._connecting:  # whoever is just connecting comes to an end first
            session, self._session = self._session, None
        if session is not None:
            await session.close()
        await asyncio.gather(*(dropped.stop() for dropped in self._dropped))
        await asyncio.sleep(0)  # the loop closes an aborted socket in its next turn

    async def _connect(self, counters: DriverCounters) -> Session:
        if self._closed:
            raise LinkDown(text("the link is closed"))
        if asyncio.get_running_loop().time() < self._refused_until_s:
            raise self._failure.again()
        session = Session(self._link, self._session_timeout_s, self._keys)
        counters.connects += 1
        try:
            await session.connect()
        except DeviceError as error:
            self._failed_connects += 1
            self._failure = error
            if isinstance(error, SecurityRefused | DeviceRefused):
                self._refused_until_s = asyncio.get_running_loop().time() + _REFUSAL_STANDS_S
            raise
        finally:
            self._note_expiries(session)
        return session

    def _note_expiries(self, session: Session) -> None:
        if session.certificate_expires_utc_ns is None:
            return
        own = text("our own OPC UA certificate")
        theirs = text("the certificate of {url}", url=self._link.url)
        self._expiries = {
            "own": Expiry(what=own, utc_ns=self._keys.own().expires_utc_ns),
            "theirs": Expiry(what=theirs, utc_ns=session.certificate_expires_utc_ns),
        }
