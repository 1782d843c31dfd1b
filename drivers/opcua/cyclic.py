"""A scan group that is read at every grid instant."""

from __future__ import annotations

from drivers.contract import DriverCounters, Scan
from drivers.opcua.decode import decode
from drivers.opcua.session import Session
from drivers.opcua.terms import Terms


class Cyclic:
    """The nodes of one scan group in one session."""

    def __init__(self, session: Session, terms: Terms, counters: DriverCounters) -> None:
        self._session = session
        self._counters = counters
        self._wanted = session.resolve([item.address for item in terms.items])
        self._texts = terms.texts

    async def scan(self) -> Scan:
        """Read every node. Raises DeviceError."""
        self._counters.requests += len(self._wanted.requests)
        return decode(await self._session.read(self._wanted), self._texts)
