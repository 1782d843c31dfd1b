"""The Modbus TCP driver keeps the contract against three servers of different make."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent.simulate.modbus import Unit, serve
from tests.drivers.contract_suite import DriverContract
from tests.drivers.modbus_rig import (
    SIZE,
    LibmodbusUnit,
    ModbusRig,
    filled,
    libmodbus_server,
    load_libmodbus,
    pymodbus_server,
    rig_on,
)


class TestAgainstOurSimulator(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with serve({1: unit}) as simulator, rig_on(unit, simulator.port) as rig:
            yield rig
            assert not simulator.counts.writes


class TestAgainstPymodbus(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        unit = filled(Unit(SIZE))
        async with pymodbus_server(unit) as port, rig_on(unit, port) as rig:
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
            async with rig_on(unit, port) as rig:
                yield rig
