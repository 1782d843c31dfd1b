"""There is no way to write to a device: not through the link, not through pymodbus, not in the source."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import WriteSingleCoilRequest
from pymodbus.pdu.register_message import WriteMultipleRegistersRequest, WriteSingleRegisterRequest

import drivers
from agent.simulate.modbus import ModbusSimulator, Unit, serve
from agent.simulate.modbus_rtu import serve_tcp
from config.links import ModbusRtuTcpLink, ModbusTcpLink
from drivers.contract import DriverCounters
from drivers.modbus.frame import ReadRequest
from drivers.modbus.guard import GuardedLink
from drivers.modbus.link import ForbiddenFunctionCode

SOURCES = sorted(Path(drivers.__file__).parent.rglob("*.py"))
ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "buffer", "config", "drivers", "filters")
WRITE_APIS = (
    *("write_coil", "write_register", "write_single", "write_multiple", "write_file_record", "mask_write"),
    *("readwrite_", "writesingle", "writemultiple", "maskwrite", "readwritemultiple", "writefilerecord"),
    *("write_value", "write_attribute", "write_data_value", "write_params", "writeparameters", "writevalue"),
    *("writerequest", "set_value", "set_data_value", "set_attribute", "set_writable", "call_method"),
    *("callmethodrequest", "historyupdate", "history_update", "delete_nodes", "diag_"),
)
"""How the names begin, in lower case, by which pymodbus and asyncua write, set or call."""
OWN_MEMORY = {("agent/simulate/opcua.py", "write_attribute_value")}

KINDS = {"modbus-tcp": (serve, ModbusTcpLink), "modbus-rtu-tcp": (serve_tcp, ModbusRtuTcpLink)}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def simulator(kind: str) -> AsyncIterator[ModbusSimulator]:
    async with KINDS[kind][0]({1: Unit(16)}) as simulator:
        yield simulator


@pytest.fixture
async def link(kind: str, simulator: ModbusSimulator) -> AsyncIterator[GuardedLink]:
    link = GuardedLink(KINDS[kind][1](type=kind, host="127.0.0.1", port=simulator.port))
    yield link
    await link.close()


async def test_of_256_function_codes_only_the_four_reads_leave_the_link(
    simulator: ModbusSimulator, link: GuardedLink
) -> None:
    counters = DriverCounters()
    for code in range(256):
        request = ReadRequest(unit_id=1, function_code=code, address=0, count=1)
        before = simulator.counts.requests
        if 1 <= code <= 4:
            await link.read(request, counters)
            assert simulator.counts.requests == before + 1
        else:
            with pytest.raises(ForbiddenFunctionCode):
                await link.read(request, counters)
    assert simulator.counts.requests == simulator.counts.reads == 4
    assert not simulator.counts.writes


async def test_pymodbus_itself_cannot_send_another_function_code_on_our_connection(
    simulator: ModbusSimulator, link: GuardedLink
) -> None:
    await link.read(ReadRequest(unit_id=1, function_code=3, address=0, count=1), DriverCounters())
    connection: Any = link._connection
    sent = 0
    write = connection._wire.transport.write

    def count(data: bytes) -> None:
        nonlocal sent
        sent += len(data)
        write(data)

    connection._wire.transport.write = count
    for code in set(range(256)) - {1, 2, 3, 4}:
        question = ModbusPDU(dev_id=1, address=0, count=1)
        question.function_code = code
        with pytest.raises(ForbiddenFunctionCode):
            await connection._client.execute(False, question)
    for question in (
        WriteSingleCoilRequest(address=0, bits=[True], dev_id=1),
        WriteSingleRegisterRequest(address=0, registers=[1], dev_id=1),
        WriteMultipleRegistersRequest(address=0, registers=[1], dev_id=1),
    ):
        with pytest.raises(ForbiddenFunctionCode):
            await connection._client.execute(False, question)
    assert sent == 0
    del connection._wire.transport.write


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SOURCES[0].parent)))
def test_no_name_of_a_write_api_stands_in_the_drivers(path: Path) -> None:
    assert not {name for name in names_in(path) if _writes(name) or name in ("write", "write_values")}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_write_api_of_any_protocol_is_called_or_defined_in_the_whole_program(package: str) -> None:
    """Files, sockets and logs are written; devices are not. The simulated server fills its own memory."""
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in names_in(path)
        if _writes(name)
    }
    assert found - OWN_MEMORY == set()


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("client.write_register(0, 1)", True),
        ("from pymodbus.pdu.register_message import WriteSingleRegisterRequest", True),
        ("getattr(client, 'write_coil')(0, True)", True),
        ("def write_coils(): ...", True),
        ("await node.call_method('Start')", True),
        ("uaclient.write(parameters)", False),
        ("ua.WriteParameters()", True),
        ("file.write(data)", False),
        ("client.read_holding_registers(0)", False),
    ],
)
def test_the_search_for_write_apis_finds_them(source: str, caught: bool, tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text(f"async def f():\n    {source}\n")
    assert any(_writes(name) for name in names_in(path)) == caught


def names_in(path: Path) -> set[str]:
    """Return every name that is imported, defined, called, passed or spelled in a source file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                names.add(name.rpartition(".")[2].lower())
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.keyword(arg=str(name)):
                names.add(name.lower())
            case ast.Constant(value=str(name)) if name.isidentifier():
                names.add(name.lower())
    return names


def _writes(name: str) -> bool:
    """Tell whether a name is one of pymodbus or asyncua by which something is written, set or called."""
    return name.startswith(WRITE_APIS)


@pytest.mark.usefixtures("deliberate_writes")
async def test_the_simulator_refuses_and_counts_a_write(kind: str, simulator: ModbusSimulator) -> None:
    framer = FramerType.SOCKET if kind == "modbus-tcp" else FramerType.RTU
    client = AsyncModbusTcpClient("127.0.0.1", port=simulator.port, framer=framer, retries=0)
    await client.connect()
    for answer in (
        await client.write_coil(0, True, device_id=1),
        await client.write_register(0, 1, device_id=1),
        await client.write_registers(0, [1, 2], device_id=1),
        await client.mask_write_register(address=0, device_id=1),
    ):
        assert answer.exception_code == 1
    client.close()
    assert simulator.counts.writes == {5: 1, 6: 1, 16: 1, 22: 1}
    assert simulator.counts.reads == 0
    assert not simulator.units[1].holding.any()
