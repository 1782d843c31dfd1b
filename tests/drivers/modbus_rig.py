"""Three Modbus TCP servers behind one rig: our simulator, pymodbus's own, and libmodbus."""

from __future__ import annotations

import ctypes
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import numpy as np
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from agent.simulate.modbus import Unit
from agent.simulate.values import registers_of
from config.address import parse_modbus
from config.links import WordOrder
from config.tags import Tag, ValueType
from tests.drivers.contract_suite import TIMEOUT_S, VALUES, Rig, tag_of
from tests.drivers.port_proxy import PortProxy
from tests.drivers.proxy import Proxy

SIZE = 64
BUS = {"baud": 115200, "settle": "50ms"}
ADDRESSES = {
    "counter": "hr:50",
    "yes": "co:17",
    "no": "di:3",
    "int16": "40006",
    "uint16": "ir:9",
    "int32": "hr:21",
    "uint32": "hr:10",
    "int64": "hr:23",
    "large_int64": "hr:27",
    "large_uint64": "ir:12",
    "float32": "hr:6",
    "float64": "hr:40",
    "not_a_number": "hr:2",
}


class ModbusRig(Rig):
    """A rig whose server holds the memory of one `Unit`."""

    absent = tag_of("absent", f"hr:{SIZE}")

    def __init__(self, unit: Unit, proxy: Proxy | PortProxy) -> None:
        self.unit = unit
        self.proxy = proxy

    def link(self) -> dict[str, object]:
        timeouts = {"timeout": f"{TIMEOUT_S}s", "connect_timeout": f"{TIMEOUT_S}s"}
        return {"type": "modbus-tcp", "host": "127.0.0.1", "port": self.proxy.port, **timeouts}

    def tags(self) -> list[Tag]:
        return [tag_of(name, ADDRESSES[name], kind) for name, (kind, _) in VALUES.items()]

    async def set(self, name: str, value: float) -> None:
        kind, _ = VALUES[name]
        store(self.unit, ADDRESSES[name], value, kind)


class RtuTcpRig(ModbusRig):
    """The same over RTU frames on TCP."""

    def link(self) -> dict[str, object]:
        return {**super().link(), "type": "modbus-rtu-tcp", **BUS}


class SerialRig(ModbusRig):
    """The same on a serial port."""

    def link(self) -> dict[str, object]:
        return {"type": "modbus-rtu", "port": str(self.proxy.port), "timeout": f"{TIMEOUT_S}s", **BUS}


def store(
    unit: Unit, spelling: str, value: float, kind: ValueType, order: WordOrder = WordOrder.ABCD
) -> None:
    """Put a value where its address says."""
    address = parse_modbus(spelling, 0)
    table = (unit.coils, unit.inputs, unit.holding, unit.input_registers)[address.function_code - 1]
    cells = [bool(value)] if address.function_code < 3 else registers_of(value, kind, order)
    table[address.offset : address.offset + len(cells)] = cells


def filled(unit: Unit) -> Unit:
    """Let a unit hold every value of the suite; return it."""
    for name, (kind, value) in VALUES.items():
        store(unit, ADDRESSES[name], value, kind)
    return unit


@asynccontextmanager
async def rig_on(
    unit: Unit, proxy: Proxy | PortProxy, kind: type[ModbusRig] = ModbusRig
) -> AsyncIterator[ModbusRig]:
    """Put a proxy before the server."""
    await proxy.mend()
    try:
        yield kind(unit, proxy)
    finally:
        proxy.release()
        await proxy.cut()


@asynccontextmanager
async def pymodbus_server(unit: Unit, framer: FramerType = FramerType.SOCKET) -> AsyncIterator[int]:
    """Serve `unit` by pymodbus."""

    async def refresh(code: int, _start: int, _at: int, _count: int, cells: list[int], _set: Any) -> None:
        bits = {1: unit.coils, 2: unit.inputs}
        if code in bits:
            packed = np.packbits(bits[code], bitorder="little")
            cells[:] = packed.view("<u2").tolist()
        else:
            cells[:] = (unit.holding if code == 3 else unit.input_registers).tolist()

    words = [SimData(0, count=SIZE, values=0, datatype=DataType.REGISTERS)]
    bits = [SimData(0, count=SIZE, values=False, datatype=DataType.BITS)]
    device = SimDevice(1, simdata=(bits, bits, words, words), action=refresh)
    server = ModbusTcpServer([device], framer=framer, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()


class _Mapping(ctypes.Structure):
    """modbus_mapping_t of libmodbus 3.1."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("nb_bits", "start_bits", "nb_input_bits", "start_input_bits")),
        *((name, ctypes.c_int) for name in ("nb_input_registers", "start_input_registers")),
        *((name, ctypes.c_int) for name in ("nb_registers", "start_registers")),
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_registers", ctypes.POINTER(ctypes.c_uint16)),
    ]


def load_libmodbus() -> ctypes.CDLL:
    """Return Debian's libmodbus. Raises OSError where it is not installed."""
    library = ctypes.CDLL("libmodbus.so.5", use_errno=True)
    for name in ("modbus_new_tcp", "modbus_mapping_new"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


class LibmodbusUnit(Unit):
    """A unit whose tables are the memory that libmodbus serves."""

    def __init__(self, library: ctypes.CDLL) -> None:
        super().__init__(SIZE)
        self.mapping = ctypes.c_void_p(library.modbus_mapping_new(SIZE, SIZE, SIZE, SIZE))
        tables = _Mapping.from_address(self.mapping.value or 0)
        self.coils = np.ctypeslib.as_array(tables.tab_bits, (SIZE,)).view(np.bool_)
        self.inputs = np.ctypeslib.as_array(tables.tab_input_bits, (SIZE,)).view(np.bool_)
        self.holding = np.ctypeslib.as_array(tables.tab_registers, (SIZE,))
        self.input_registers = np.ctypeslib.as_array(tables.tab_input_registers, (SIZE,))


@contextmanager
def libmodbus_server(library: ctypes.CDLL, unit: LibmodbusUnit) -> Iterator[int]:
    """Serve `unit` by libmodbus, a thread for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        context = ctypes.c_void_p(library.modbus_new_tcp(b"127.0.0.1", 1502))
        library.modbus_set_socket(context, connection.fileno())
        query = ctypes.create_string_buffer(260)
        while (size := library.modbus_receive(context, query)) >= 0:
            library.modbus_reply(context, query, size, unit.mapping)
        library.modbus_free(context)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=answer, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for each in (listener, *connections):
            each.close()
        library.modbus_mapping_free(unit.mapping)
