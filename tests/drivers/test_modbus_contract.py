"""The Modbus driver keeps the contract on every kind of link, and against servers of different make."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.framer import FramerType

from agent.simulate.modbus import Unit, serve
from agent.simulate.modbus_rtu import serve_tcp
from drivers.contract import DeviceError
from tests.drivers.contract_suite import Bench, DriverContract
from tests.drivers.modbus_rig import (
    SIZE,
    LibmodbusUnit,
    ModbusRig,
    RtuTcpRig,
    SerialRig,
    filled,
    libmodbus_server,
    load_libmodbus,
    pymodbus_server,
    rig_on,
)
from tests.drivers.port_proxy import PortProxy
from tests.drivers.proxy import Proxy


class ModbusContract(DriverContract):
    """The suite, and what holds for our own connections."""

    async def test_a_lost_connection_leaves_nothing_to_the_garbage_collector(self, rig: ModbusRig) -> None:
        """It looks at old objects rarely, and a device may hang up three times a second for months."""
        bench = rig.bench()
        await bench.scan()
        kept = []
        with no_collector():
            for _ in range(2):
                for _ in range(2):
                    await lose_connections(rig, bench)
                await asyncio.sleep(1.1)  # the last calls of a connection are made
                kept.append(kept_by(rig))
        await bench.driver.close()
        assert kept[1] == kept[0], kept


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the garbage collector out: what holds itself by a circle stays."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def lose_connections(rig: ModbusRig, bench: Bench) -> None:
    """Lose one by silence, one by its end, one that never was, and read again."""
    rig.proxy.hold()
    with pytest.raises(DeviceError):
        await bench.scan()
    rig.proxy.release()
    await bench.scan()
    await rig.proxy.cut()
    for _ in range(2):
        with pytest.raises(DeviceError):
            await bench.scan()
    await rig.proxy.mend()
    await bench.scan()


def kept_by(rig: ModbusRig) -> Counter[str]:
    """Count what a driver has made and nobody let go: objects by type, transports of connections too."""
    return Counter(
        type(found).__qualname__
        for found in gc.get_objects()
        if str(type(found).__module__).startswith(("drivers.", "pymodbus.client."))
        or (issubclass(type(found), asyncio.Transport) and leads_to(found, rig.proxy.port))
    )


def leads_to(transport: asyncio.Transport, port: int | str) -> bool:
    peer = transport.get_extra_info("peername") if vars(transport) else None
    return isinstance(peer, tuple) and peer[1] == port


class TestAgainstOurSimulator(ModbusContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with serve({1: unit}) as simulator, rig_on(unit, Proxy(simulator.port)) as rig:
            yield rig
            assert not simulator.counts.writes


class TestRtuOverTcp(ModbusContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with (
            serve_tcp({1: unit}) as simulator,
            rig_on(unit, Proxy(simulator.port), RtuTcpRig) as rig,
        ):
            yield rig
            assert not simulator.counts.writes


class TestRtuOnASerialPort(ModbusContract):
    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with rig_on(unit, proxy := PortProxy(unit, tmp_path / "usb-485"), SerialRig) as rig:
            yield rig
            assert not proxy.simulator.counts.writes


class TestAgainstPymodbus(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with pymodbus_server(unit) as port, rig_on(unit, Proxy(port)) as rig:
            yield rig


class TestRtuOverTcpAgainstPymodbus(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with (
            pymodbus_server(unit, FramerType.RTU) as port,
            rig_on(unit, Proxy(port), RtuTcpRig) as rig,
        ):
            yield rig


class TestAgainstLibmodbus(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        try:
            library = load_libmodbus()
        except OSError as error:
            pytest.skip(f"libmodbus is not installed (Debian: libmodbus5): {error}")
        unit = LibmodbusUnit(library)
        filled(unit)
        with libmodbus_server(library, unit) as port:
            async with rig_on(unit, Proxy(port)) as rig:
                yield rig
