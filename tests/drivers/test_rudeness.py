"""However a device answers, no wrong value is ever believed, and what is good is read again at once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pytest
from serial.urlhandler import protocol_socket

from agent.simulate import modbus, modbus_rtu
from agent.simulate.modbus import Unit
from agent.simulate.rudeness import RUDE_ON_A_BUS, RUDE_ON_TCP, WRONG, Manner
from config.links import ModbusLink, ModbusRtuLink, ModbusRtuTcpLink, ModbusTcpLink
from config.vocabulary import QualityClass
from drivers.contract import DeviceError
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.guard import GuardedLink
from tests.drivers.contract_suite import plant_of, tag_of
from tests.drivers.virtual_loop import run_virtually

TIMEOUT_S = 1.0
SETTLE_S = 0.5
PERIOD_S = 1.0
REGISTERS = 8
TIMES = {"timeout": round(TIMEOUT_S * 1e9)}
BUS = {**TIMES, "settle": round(SETTLE_S * 1e9)}


@dataclass(frozen=True)
class Wire:
    """A kind of link, the server at its far end, and what may go wrong on it.

    `late_s`: later than the asker waits; on a bus within the settle time, for what comes even later cannot
    be told from an answer. `heals`: nothing rude is under way any more when the rudeness ends.
    """

    serve: Callable[..., object]
    link: Callable[[int], ModbusLink]
    manners: tuple[Manner, ...]
    late_s: float
    gateway: bool = False
    heals: bool = True


def tcp(port: int) -> ModbusTcpLink:
    return ModbusTcpLink.model_construct(host="127.0.0.1", port=port, connect_timeout=10**9, **TIMES)


def rtu_over_tcp(port: int) -> ModbusRtuTcpLink:
    return ModbusRtuTcpLink.model_construct(host="127.0.0.1", port=port, connect_timeout=10**9, **BUS)


def serial_port(port: int) -> ModbusRtuLink:
    """pyserial speaks TCP too, which virtual time needs: a terminal's bytes arrive when the kernel likes."""
    return ModbusRtuLink.model_construct(port=f"socket://127.0.0.1:{port}", **BUS)


@pytest.fixture(autouse=True)
def no_real_waiting_in_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sockets wait for acknowledgements (Nagle), and it sleeps after closing one."""

    def connect(*arguments: Any, **more: Any) -> socket.socket:
        connection = create_connection(*arguments, **more)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    create_connection = socket.create_connection
    monkeypatch.setattr(protocol_socket.socket, "create_connection", connect)
    monkeypatch.setattr(protocol_socket.time, "sleep", lambda _: None)


LATE_ON_A_BUS_S = TIMEOUT_S + SETTLE_S / 2
WIRES = {
    "tcp": Wire(modbus.serve, tcp, RUDE_ON_TCP, 1.5 * TIMEOUT_S),
    "gateway": Wire(modbus.serve, tcp, RUDE_ON_TCP, 1.5 * TIMEOUT_S, gateway=True, heals=False),
    "rtu over tcp": Wire(modbus_rtu.serve_tcp, rtu_over_tcp, RUDE_ON_A_BUS, LATE_ON_A_BUS_S),
    "rtu": Wire(modbus_rtu.serve_tcp, serial_port, RUDE_ON_A_BUS, LATE_ON_A_BUS_S),
}


async def rude_replies(wire: Wire, count: int, seed: int) -> Counter[Manner]:
    """Read through `count` rude replies in spells of 1 to 4; return how often each manner was met.

    Every scan's values are new, and whatever is Good or Uncertain must be what the device holds just then.
    After each spell the second scan at the latest must be Good or Uncertain, the third Good.
    """
    random = Random(seed)
    met: Counter[Manner] = Counter()
    unit = Unit(REGISTERS)
    tags = [tag_of(f"r{at}", f"hr:{at}") for at in range(REGISTERS)]
    plant = plant_of({"type": "modbus-tcp", "host": "unused"}, tags)
    async with wire.serve({1: unit}, seed=seed) as simulator:
        simulator.late_s, simulator.gateway = wire.late_s, wire.gateway
        driver = ModbusDriver(plant, "plc", GuardedLink(wire.link(simulator.port)))

        async def scan() -> QualityClass:
            await asyncio.sleep(PERIOD_S)
            unit.holding[:] = [random.randrange(WRONG << 8) for _ in range(REGISTERS)]
            try:
                scan = await driver.scan(plant.groups[0])
            except DeviceError:
                return QualityClass.BAD
            known = scan.quality < QualityClass.BAD << 30
            assert (scan.raw[known] == unit.holding[known]).all()
            assert np.isnan(scan.raw[~known]).all()
            return QualityClass(int(scan.quality.max()) >> 30)

        def rude() -> Manner:
            manner = random.choice(wire.manners)
            met[manner] += 1
            return manner

        while met.total() < count:
            simulator.choose = rude
            for _ in range(random.randrange(1, 5)):
                await scan()
            simulator.choose = None
            after = [await scan() for _ in range(3)]
            if wire.heals:
                assert after[1] is not QualityClass.BAD
                assert after[2] is QualityClass.GOOD
        assert simulator.counts.reads == simulator.counts.requests
        await driver.close()
    return met


async def every_manner(name: str, count: int, seed: int = 0) -> None:
    assert set(await rude_replies(WIRES[name], count, seed)) == set(WIRES[name].manners)


@pytest.mark.parametrize("name", WIRES)
def test_a_thousand_rude_replies_and_no_wrong_value(name: str) -> None:
    run_virtually(every_manner(name, 1000))


@pytest.mark.torture
@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("seed", range(int(os.environ.get("TORTURE_N", "20"))))
def test_five_thousand_rude_replies_a_seed_and_no_wrong_value(seed: int, name: str) -> None:
    run_virtually(every_manner(name, 1250, seed))
