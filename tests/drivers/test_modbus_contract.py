"""The Modbus driver keeps the contract on every kind of link, and against servers of different make."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymodbus.framer import FramerType

from agent.simulate.modbus import Unit, serve
from agent.simulate.modbus_rtu import serve_tcp
from tests.drivers.contract_suite import DriverContract
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


class TestAgainstOurSimulator(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with serve({1: unit}) as simulator, rig_on(unit, Proxy(simulator.port)) as rig:
            yield rig
            assert not simulator.counts.writes


class TestRtuOverTcp(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with (
            serve_tcp({1: unit}) as simulator,
            rig_on(unit, Proxy(simulator.port), RtuTcpRig) as rig,
        ):
            yield rig
            assert not simulator.counts.writes


class TestRtuOnASerialPort(DriverContract):
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
