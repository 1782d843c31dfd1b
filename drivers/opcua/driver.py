"""The OPC UA driver: one device of a server, its nodes read once a scan."""

from __future__ import annotations

from config.address import parse_node_id
from config.plant import Plant, ScanGroup
from config.text import Text, text
from drivers.contract import DeviceError, DriverCounters, Scan
from drivers.opcua.decode import decode
from drivers.opcua.server import OpcUaServer
from drivers.opcua.session import MOST_NODES, Session, Wanted


class OpcUaDriver:
    """See `drivers.contract.Driver`."""

    def __init__(self, plant: Plant, name: str, server: OpcUaServer) -> None:
        """Serve device `name`; `server` is shared with its other devices. Raises WrongValue."""
        self.counters = DriverCounters()
        self._addresses = {
            group.number: [parse_node_id(tag.address) for tag in plant.tags_of(group)]
            for group in plant.groups
            if group.device == name
        }
        self._wanted: dict[int, Wanted] = {}
        self._session: Session | None = None
        self._server = server
        server.join(self)

    async def scan(self, group: ScanGroup) -> Scan:
        """See `drivers.contract.Driver`."""
        session = await self._server.session(self.counters)
        wanted = self._resolved(session, group)
        self.counters.requests += len(wanted.requests)
        try:
            readings = await session.read(wanted)
        except DeviceError as error:
            self.counters.count(error)
            self._server.drop(session)
            raise
        return decode(readings)

    async def close(self) -> None:
        """See `drivers.contract.Driver`."""
        await self._server.leave(self)

    def plan(self, group: ScanGroup) -> list[Text]:
        """See `drivers.contract.Driver`. A server that allows fewer nodes a request costs more of them."""
        count = group.count
        return [
            text("Read of {nodes} nodes", nodes=min(MOST_NODES, count - at))
            for at in range(0, count, MOST_NODES)
        ]

    def _resolved(self, session: Session, group: ScanGroup) -> Wanted:
        """Return the group's nodes as this session knows them; the next may number namespaces otherwise."""
        if session is not self._session:
            self._session = session
            self._wanted = {
                number: session.resolve(addresses) for number, addresses in self._addresses.items()
            }
        return self._wanted[group.number]
