"""A scan group that is read at every grid instant."""

from __future__ import annotations

from collections.abc import Sequence

from config.address import NodeAddress
from drivers.contract import DriverCounters, Scan
from drivers.opcua.decode import decode
from drivers.opcua.session import Session


class Cyclic:
    """The nodes of one scan group in one session."""

    def __init__(self, session: Session, addresses: Sequence[NodeAddress], counters: DriverCounters) -> None:
        self._session = session
        self._counters = counters
        self._wanted = session.resolve(addresses)

    async def scan(self) -> Scan:
        """Read every node. Raises DeviceError."""
        self._counters.requests += len(self._wanted.requests)
        return decode(await self._session.read(self._wanted))
