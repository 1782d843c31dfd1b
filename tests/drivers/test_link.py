"""What the guarded link promises beyond the contract of a driver."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent.simulate.modbus import ModbusSimulator, Unit, serve
from agent.simulate.rudeness import Manner
from config.links import ModbusTcpLink
from drivers.contract import Desync, DeviceRefused, DeviceTimeout, DriverCounters, LinkDown
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.guard import GuardedLink
from tests.drivers.contract_suite import SLACK_S, eventually
from tests.drivers.proxy import Proxy

TIMEOUT_S = 0.05
REQUEST = ReadRequest(unit_id=1, function_code=3, address=0, count=2)
RIGHT = b"\x00\x01\x00\x02"


@pytest.fixture
async def simulator() -> AsyncIterator[ModbusSimulator]:
    units = {1: Unit(64), 2: Unit(64)}
    units[1].holding[:2] = (1, 2)
    async with serve(units) as simulator:
        yield simulator
        assert not simulator.counts.writes


@pytest.fixture
async def proxy(simulator: ModbusSimulator) -> AsyncIterator[Proxy]:
    proxy = Proxy(simulator.port)
    await proxy.mend()
    yield proxy
    await proxy.cut()


@pytest.fixture
async def link(proxy: Proxy) -> AsyncIterator[GuardedLink]:
    link = link_to(proxy.port)
    yield link
    await link.close()


def link_to(port: int, **more: object) -> GuardedLink:
    given = {"type": "modbus-tcp", "host": "127.0.0.1", "port": port, "timeout": f"{TIMEOUT_S}s", **more}
    return GuardedLink(ModbusTcpLink.model_validate(given))


async def read(link: GuardedLink, request: ReadRequest = REQUEST) -> Answer:
    return await link.read(request, DriverCounters())


async def test_nothing_of_pymodbus_retries_or_reconnects(link: GuardedLink) -> None:
    await read(link)
    connection: Any = link._connection
    wire = connection._client.ctx
    assert wire.retries == 0
    assert wire.comm_params.reconnect_delay == 0
    assert wire.reconnect_task is None


async def test_a_connection_that_ends_is_not_opened_again_until_somebody_asks(
    link: GuardedLink, simulator: ModbusSimulator
) -> None:
    await read(link)
    simulator.drop_connections()
    await eventually(lambda: not simulator.connections)
    await asyncio.sleep(TIMEOUT_S)
    assert simulator.counts.connections == 1
    assert await read(link) == Answer(RIGHT, resync=False)
    assert simulator.counts.connections == 2


async def test_only_the_first_answer_after_a_timeout_is_marked(
    link: GuardedLink, simulator: ModbusSimulator
) -> None:
    assert await read(link) == Answer(RIGHT, resync=False)
    simulator.choose = lambda: Manner.SILENT
    with pytest.raises(DeviceTimeout):
        await read(link)
    simulator.choose = None
    assert await read(link) == Answer(RIGHT, resync=True)
    assert await read(link) == Answer(RIGHT, resync=False)


async def test_only_the_unit_that_was_silent_is_marked(link: GuardedLink, simulator: ModbusSimulator) -> None:
    simulator.choose = lambda: Manner.SILENT
    with pytest.raises(DeviceTimeout):
        await read(link)
    simulator.choose = None
    assert not (await read(link, ReadRequest(unit_id=2, function_code=3, address=0, count=2))).resync
    assert (await read(link)).resync


@pytest.mark.parametrize("unit_id", [0, 255])
async def test_a_device_without_a_bus_behind_it_may_be_any_unit(
    link: GuardedLink, simulator: ModbusSimulator, unit_id: int
) -> None:
    simulator.units[unit_id] = simulator.units[1]
    request = ReadRequest(unit_id=unit_id, function_code=3, address=0, count=2)
    for _ in range(2):
        assert await read(link, request) == Answer(RIGHT, resync=False)


async def test_a_mark_is_not_lost_when_a_refusal_comes_first(
    link: GuardedLink, simulator: ModbusSimulator
) -> None:
    simulator.choose = lambda: Manner.WRONG_UNIT
    with pytest.raises(Desync):
        await read(link)
    simulator.choose = None
    with pytest.raises(DeviceRefused):
        await read(link, ReadRequest(unit_id=1, function_code=3, address=64, count=1))
    assert (await read(link)).resync


async def test_a_long_answer_doubled_in_one_breath_is_read(
    link: GuardedLink, simulator: ModbusSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is more than pymodbus keeps of itself: it would throw both away."""
    simulator.units[1] = Unit(125)
    simulator.choose = lambda: Manner.DOUBLED
    monkeypatch.setattr(simulator.random, "choice", min)
    request = ReadRequest(unit_id=1, function_code=3, address=0, count=125)
    for _ in range(3):
        assert await read(link, request) == Answer(bytes(250), resync=False)


async def test_what_arrives_unasked_closes_the_connection_at_once(
    link: GuardedLink, simulator: ModbusSimulator, proxy: Proxy
) -> None:
    await read(link)
    simulator.connections[0]._transport.write(b"\x00\x01")
    await eventually(lambda: proxy.connections == 0)
    assert (await read(link)).resync


async def test_a_flood_is_heard_in_small_pieces(link: GuardedLink, simulator: ModbusSimulator) -> None:
    """Each takes room for the largest, and what was left over made the heap grow by 40 MiB an hour."""
    await read(link)
    heard: list[int] = []
    connection: Any = link._connection
    connection._wire.data_received = lambda data: heard.append(len(data))
    simulator.connections[0]._transport.write(bytes(100_000))
    await eventually(lambda: sum(heard) == 100_000)
    assert max(heard) <= 2**16


async def test_transaction_ids_go_on_where_the_last_connection_left_them(
    link: GuardedLink, simulator: ModbusSimulator
) -> None:
    """So that a serial gateway's late answer, sent on the new connection, never fits."""
    await read(link)
    before = link._connection.last_transaction_id
    simulator.choose = lambda: Manner.SILENT
    with pytest.raises(DeviceTimeout):
        await read(link)
    simulator.choose = None
    await read(link)
    assert link._connection.last_transaction_id == before % 65000 + 2


async def test_a_cancelled_callers_question_is_heard_out_before_the_next_is_asked(
    link: GuardedLink, simulator: ModbusSimulator, proxy: Proxy
) -> None:
    await read(link)
    proxy.hold()
    first = asyncio.create_task(read(link))
    await eventually(lambda: proxy.asked_bytes > 0)
    asked = proxy.asked_bytes
    second = asyncio.create_task(read(link))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    for _ in range(10):
        await asyncio.sleep(0)
    assert proxy.asked_bytes == asked
    proxy.release()
    assert await second == Answer(RIGHT, resync=False)
    assert simulator.counts.connections == 1


async def test_devices_on_one_link_share_its_connection_and_take_turns(
    link: GuardedLink, simulator: ModbusSimulator
) -> None:
    simulator.units[2].holding[:2] = (3, 4)
    other = ReadRequest(unit_id=2, function_code=3, address=0, count=2)
    answers = await asyncio.gather(*(read(link, request) for request in (REQUEST, other) * 20))
    assert {answer.payload for answer in answers[::2]} == {RIGHT}
    assert {answer.payload for answer in answers[1::2]} == {b"\x00\x03\x00\x04"}
    assert simulator.counts.connections == 1


async def test_one_device_that_leaves_does_not_close_the_link_of_the_others(
    link: GuardedLink, proxy: Proxy
) -> None:
    link.join("one")
    link.join("other")
    await read(link)
    for _ in range(2):
        await link.leave("one")
        assert proxy.connections == 1
    await link.leave("other")
    await eventually(lambda: proxy.connections == 0)
    with pytest.raises(LinkDown):
        await read(link)


async def test_all_who_waited_for_a_connection_share_its_failure() -> None:
    """A dead endpoint with many units costs one timeout, not one for each of them."""
    with socket.socket() as deaf, socket.socket() as filler:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filler.connect(deaf.getsockname())  # the backlog is full now: nobody else is answered
        link = link_to(deaf.getsockname()[1], connect_timeout="100ms")
        start = time.monotonic()
        failures = await asyncio.gather(*(read(link) for _ in range(50)), return_exceptions=True)
        assert time.monotonic() - start < 0.1 + SLACK_S
        assert all(isinstance(failure, LinkDown) for failure in failures)
        await link.close()


@pytest.mark.parametrize(
    ("error", "words", "chinese"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "nothing listens there", "该端口无服务"),
        (TimeoutError(), "no answer", "无应答"),
        (socket.gaierror(), "the name is not known", "主机名无法解析"),
        (OSError(100, "Network is down"), "Network is down", "Network is down"),
    ],
)
async def test_a_missing_connection_says_why(
    error: OSError, words: str, chinese: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", fail)
    link = link_to(502)
    with pytest.raises(LinkDown) as failure:
        await read(link)
    assert failure.value.words.show("en") == f"no connection to 127.0.0.1:502: {words}"
    assert failure.value.words.show("zh").endswith(chinese)
    await link.close()
