"""The real drivers keep their contract against simulated plants, on every kind of link."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.simulate.course import Course, Still
from agent.simulate.fault import Fault, Kind
from agent.simulate.opcua_link import OpcUaServed
from agent.simulate.place import Place, serving
from agent.simulate.scenario import Scenario
from agent.simulate.story import Story
from agent.simulate.unit import SimulatedUnit
from config.tags import Tag
from tests.drivers.contract_suite import VALUES, DriverContract, Rig, plant_of, tag_of
from tests.drivers.modbus_rig import ADDRESSES, BUS
from tests.drivers.opcua_rig import address_of
from tests.drivers.port_proxy import PortProxy
from tests.drivers.proxy import Proxy
from tests.system.field import Field

TIMES = {"timeout": "400ms", "connect_timeout": "400ms"}
LINKS: dict[str, dict[str, object]] = {
    "modbus-tcp": {"type": "modbus-tcp", "host": "127.0.0.1", "port": 502, **TIMES},
    "modbus-rtu-tcp": {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": 502, **TIMES, **BUS},
    "modbus-rtu": {"type": "modbus-rtu", "port": "/dev/ttyS9", "timeout": "400ms", **BUS},
    "opcua": {"type": "opcua", "url": "opc.tcp://127.0.0.1:4840", "timeout": "400ms"},
}
MODBUS_TAGS = [tag_of(name, ADDRESSES[name], kind) for name, (kind, _) in VALUES.items()]
OPCUA_TAGS = [tag_of(name, address_of(name), kind) for name, (kind, _) in VALUES.items()]
ABSENT = tag_of("absent", "hr:64")


class SimulatedRig(Rig):
    """A rig on a simulated plant, whose values stand where the test puts them."""

    def __init__(
        self, proxy: Proxy | PortProxy, link: dict[str, object], tags: list[Tag], courses: dict[str, Course]
    ) -> None:
        self.proxy = proxy
        self.absent = ABSENT if tags is MODBUS_TAGS else tag_of("absent", "ns=2;s=absent")
        self._link = link
        self._tags = tags
        self._courses = courses

    def link(self) -> dict[str, object]:
        port = self.proxy.port
        if isinstance(port, Path):
            return self._link | {"port": str(port)}
        return self._link | (
            {"url": f"opc.tcp://127.0.0.1:{port}"} if "url" in self._link else {"port": port}
        )

    def tags(self) -> list[Tag]:
        return self._tags

    async def set(self, name: str, value: float) -> None:
        self._courses[name] = Still(value)


def courses() -> dict[str, Course]:
    return {name: Still(value) for name, (_, value) in VALUES.items()} | {"absent": Still(0)}


def scenario_of(moving: dict[str, Course]) -> Scenario:
    return Scenario(courses=moving, faults=[Fault(kind=Kind.EXCEPTION, tag="absent")])


@asynccontextmanager
async def rig_on(kind: str, folder: Path) -> AsyncIterator[SimulatedRig]:
    moving = courses()
    plant = plant_of(LINKS[kind], [*MODBUS_TAGS, ABSENT])
    async with serving(plant, scenario_of(moving), Place(ports=folder)) as served:
        endpoint = served["wire"]
        proxy = Proxy(endpoint.port)
        await proxy.mend()
        yield SimulatedRig(proxy, LINKS[kind], MODBUS_TAGS, moving)
        await proxy.cut()
        assert endpoint.writes == 0


class TestSimulatedModbusTcp(DriverContract):
    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[SimulatedRig]:
        async with rig_on("modbus-tcp", tmp_path) as rig:
            yield rig


class TestSimulatedRtuOverTcp(DriverContract):
    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[SimulatedRig]:
        async with rig_on("modbus-rtu-tcp", tmp_path) as rig:
            yield rig


class TestSimulatedSerialPort(DriverContract):
    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[SimulatedRig]:
        moving = courses()
        story = Story(plant_of(LINKS["modbus-rtu"], [*MODBUS_TAGS, ABSENT]), scenario_of(moving), lambda: 0.0)
        proxy = PortProxy(SimulatedUnit(story, "plc", alone=False), tmp_path / "usb-485")
        await proxy.mend()
        yield SimulatedRig(proxy, LINKS["modbus-rtu"], MODBUS_TAGS, moving)
        proxy.release()
        await proxy.cut()


class FieldRig(SimulatedRig):
    """A rig on a server in another thread."""

    field: Field
    served: OpcUaServed

    async def set(self, name: str, value: float) -> None:
        await super().set(name, value)
        self.field.call(self.served.move())


@pytest.fixture(scope="module")
def opcua_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldRig]:
    """One server for all tests, for it takes its time to start."""
    with Field() as field:
        moving = courses()
        plant = plant_of(LINKS["opcua"], OPCUA_TAGS)
        place = Place(ports=tmp_path_factory.mktemp("ports"))
        endpoint = field.enter(serving(plant, Scenario(courses=moving), place))["wire"]
        assert isinstance(endpoint.served, OpcUaServed)
        rig = FieldRig(Proxy(endpoint.port), LINKS["opcua"], OPCUA_TAGS, moving)
        rig.field, rig.served = field, endpoint.served
        yield rig
        assert endpoint.writes == 0


class TestSimulatedOpcUa(DriverContract):
    @pytest.fixture
    async def rig(self, opcua_rig: FieldRig) -> AsyncIterator[FieldRig]:
        opcua_rig.proxy = Proxy(opcua_rig.served.port)
        await opcua_rig.set("counter", 1)
        await opcua_rig.proxy.mend()
        yield opcua_rig
        opcua_rig.proxy.release()
        await opcua_rig.proxy.cut()
