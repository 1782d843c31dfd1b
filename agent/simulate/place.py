"""A whole plant that is not there: every link of its description served, each at an endpoint of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agent.simulate import modbus, modbus_rtu, opcua_link
from agent.simulate.modbus import ModbusSimulator
from agent.simulate.modbus_rtu import Pace
from agent.simulate.opcua_link import OpcUaServed
from agent.simulate.scenario import Scenario
from agent.simulate.story import Story
from agent.simulate.unit import SimulatedUnit
from config.links import Link, ModbusRtuLink, ModbusRtuTcpLink, ModbusTcpLink
from config.opcua import OpcUaLink
from config.plant import Plant

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a link is served: `port` of `host`, or `path` of a serial port."""

    link: Link
    devices: tuple[str, ...]
    host: str = ""
    port: int = 0
    path: Path | None = None
    served: ModbusSimulator | OpcUaServed

    @property
    def name(self) -> str:
        """What to write in a plant description."""
        if isinstance(self.link, OpcUaLink):
            return f"opc.tcp://{self.host}:{self.port}"
        return str(self.path) if self.path is not None else f"{self.host}:{self.port}"

    @property
    def requests(self) -> int:
        """Modbus requests, or OPC UA values read."""
        counts = self.served.counts
        return counts.requests if isinstance(counts, modbus.Counts) else counts.reads

    @property
    def writes(self) -> int:
        """Requests that would write, or values that somebody tried to write."""
        counts = self.served.counts
        return counts.writes.total() if isinstance(counts, modbus.Counts) else counts.writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a plant is to be served. `port_base`: the first link's port; 0: free ones. `ports`: a folder.

    In `ports`, serial ports appear under their links' names.
    """

    ports: Path
    host: str = LOOPBACK
    port_base: int = 0

    def port_of(self, number: int) -> int:
        """Return the port of a link by its number in the plant."""
        return self.port_base + number if self.port_base else 0


@contextmanager
def anywhere(host: str = LOOPBACK, port_base: int = 0) -> Iterator[Place]:
    """Have a place with a folder of its own for serial ports, while inside."""
    with TemporaryDirectory(prefix="fengsui-simulate-") as folder:
        yield Place(ports=Path(folder), host=host, port_base=port_base)


@asynccontextmanager
async def serving(plant: Plant, scenario: Scenario, place: Place) -> AsyncIterator[Mapping[str, Endpoint]]:
    """Serve every link that a device is on, by its name, until the context is left. Raises OSError."""
    stopwatch = _Stopwatch()
    story = Story(plant, scenario, stopwatch.seconds)
    async with AsyncExitStack() as stack:
        found: dict[str, Endpoint] = {}
        for number, (name, link) in enumerate(plant.description.links.items()):
            on_it = [key for key, device in plant.description.devices.items() if device.link == name]
            if on_it:
                server = _Server(story, tuple(on_it), link, place, number)
                found[name] = await stack.enter_async_context(server.serve(place.ports / name, scenario.seed))
        stopwatch.start()
        yield found


class _Stopwatch:
    """Stands at 0 until it is started: an OPC UA server takes its time to get up."""

    def __init__(self) -> None:
        self._time_s = asyncio.get_running_loop().time
        self._begun_s: float | None = None

    def start(self) -> None:
        self._begun_s = self._time_s()

    def seconds(self) -> float:
        return 0.0 if self._begun_s is None else self._time_s() - self._begun_s


@dataclass(frozen=True, slots=True)
class _Server:
    story: Story
    devices: tuple[str, ...]
    link: Link
    place: Place
    number: int

    @asynccontextmanager
    async def serve(self, path: Path, seed: int) -> AsyncIterator[Endpoint]:
        """Serve the link, at `path` where it is a serial port."""
        host, port = self.place.host, self.place.port_of(self.number)
        match self.link:
            case OpcUaLink():
                async with opcua_link.serve(self.story, self.devices, host=host, port=port, seed=seed) as ua:
                    yield self._endpoint(ua, ua.port)
            case ModbusTcpLink():
                async with modbus.serve(self._units(), host=host, port=port, seed=seed) as plc:
                    plc.admits = lambda: not (self._alone and self.story.is_away(self.devices[0]))
                    yield self._endpoint(plc, plc.port)
            case ModbusRtuTcpLink():
                async with modbus_rtu.serve_tcp(self._units(), host=host, port=port, seed=seed) as bus:
                    bus.pace = Pace(self.link.baud, self.link.answer_time / 1e9)
                    yield self._endpoint(bus, bus.port)
            case ModbusRtuLink():
                async with modbus_rtu.serve_port(self._units(), path, seed=seed) as bus:
                    bus.pace = Pace(self.link.baud, self.link.answer_time / 1e9)
                    yield self._endpoint(bus, path=path)

    @property
    def _alone(self) -> bool:
        """Whether its device has a connection for itself."""
        return isinstance(self.link, ModbusTcpLink) and len(self.devices) == 1

    def _units(self) -> dict[int, modbus.Unit]:
        described = self.story.plant.description.devices
        units = {name: SimulatedUnit(self.story, name, alone=self._alone) for name in self.devices}
        return {described[name].unit_id: unit for name, unit in units.items()}

    def _endpoint(
        self, served: ModbusSimulator | OpcUaServed, port: int = 0, path: Path | None = None
    ) -> Endpoint:
        return Endpoint(
            link=self.link, devices=self.devices, host=self.place.host, port=port, path=path, served=served
        )
