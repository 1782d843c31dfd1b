"""Modbus on a bus: frames without numbers, silence between them, and longer silence after a doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.simulate import modbus_rtu
from agent.simulate.modbus import Connection, ModbusSimulator, Unit
from agent.simulate.modbus_rtu import RtuEnvelope, checksum
from agent.simulate.rudeness import Manner
from config.links import ModbusRtuLink, ModbusRtuTcpLink
from drivers.contract import Desync, DeviceRefused, DeviceTimeout, DriverCounters, LinkDown
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.guard import GuardedLink
from drivers.modbus.prices import prices_of
from drivers.modbus.rtu import crc16, frames_s, gap_s, hear_rtu
from tests.drivers.port_proxy import PortProxy
from tests.drivers.virtual_loop import run_virtually

REQUEST = ReadRequest(unit_id=7, function_code=3, address=0, count=2)
PAYLOAD = bytes.fromhex("41CC0000")
RIGHT = b"\x00\x01\x00\x02"
BUS = ModbusRtuTcpLink.model_validate(
    {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": 1, "timeout": "200ms", "settle": "50ms"}
)


def frame(unit: int = 7, pdu: bytes = b"\x03\x04" + PAYLOAD) -> bytes:
    return RtuEnvelope().frame(unit, pdu, None)


def hear(heard: bytes) -> object:
    return hear_rtu(heard, 0, REQUEST)[1]


@given(st.binary(max_size=260))
def test_the_checksum_is_that_of_the_specification(data: bytes) -> None:
    assert crc16(data).to_bytes(2, "little") == checksum(data)


def test_the_answer_is_believed_and_what_follows_is_left() -> None:
    assert hear_rtu(frame(), 0, REQUEST) == (len(frame()), PAYLOAD)
    assert hear_rtu(frame() + b"\x07", 0, REQUEST) == (len(frame()), PAYLOAD)


@given(st.integers(0, len(frame()) - 1))
def test_a_part_of_the_answer_is_waited_for(size: int) -> None:
    assert hear_rtu(frame()[:size], 0, REQUEST) == (0, None)


@given(st.lists(st.sampled_from([0, *range(248, 256)]), max_size=5).map(bytes))
def test_noise_before_the_answer_is_passed_over(noise: bytes) -> None:
    assert hear_rtu(noise + frame(), 0, REQUEST) == (len(noise + frame()), PAYLOAD)
    assert hear_rtu(noise, 0, None) == (len(noise), None)


def test_a_refusal_keeps_its_code() -> None:
    refusal = hear(frame(pdu=b"\x83\x02"))
    assert isinstance(refusal, DeviceRefused)
    assert refusal.detail == 2


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param(frame(unit=8), id="another unit"),
        pytest.param(frame(pdu=b"\x04\x04" + PAYLOAD), id="another function code"),
        pytest.param(frame(pdu=b"\x84\x02"), id="an exception to another function code"),
        pytest.param(frame(pdu=b"\x03\x02\x41\xcc"), id="too few registers"),
        pytest.param(frame(pdu=b"\x03\x06" + PAYLOAD + b"\x00\x00"), id="too many registers"),
        pytest.param(frame()[:-1] + b"\x00", id="a wrong checksum"),
        pytest.param(frame(pdu=b"\x03\x04\x41\xcd\x00\x00")[:-2] + frame()[-2:], id="a changed value"),
        pytest.param(frame(pdu=b"\x83\x02")[:-1] + b"\x00", id="a refusal with a wrong checksum"),
    ],
)
def test_what_cannot_be_the_answer_is_a_desync(heard: bytes) -> None:
    assert isinstance(hear(heard), Desync)


def test_what_cannot_become_the_answer_is_not_waited_for() -> None:
    assert isinstance(hear(b"\x07\x04\x04"), Desync)
    assert isinstance(hear(b"\x07\x03\xfa"), Desync)
    assert isinstance(hear(b"\x08"), Desync)


def test_what_arrives_unasked_is_a_desync() -> None:
    assert isinstance(hear_rtu(frame(), 0, None)[1], Desync)


@given(st.binary(max_size=40), st.booleans())
def test_no_other_bytes_than_a_whole_answer_are_ever_a_payload(noise: bytes, after_head: bool) -> None:
    heard = frame()[:3] + noise if after_head else noise
    if isinstance(hear(heard), bytes):
        body = heard.lstrip(bytes([0, *range(248, 256)]))
        assert body[:3] == frame()[:3]
        assert checksum(body[:7]) == body[7:9]


def test_times_are_those_of_the_serial_line() -> None:
    fast = BUS.model_copy(update={"baud": 115200})
    assert gap_s(BUS) == pytest.approx(3.5 * 11 / 9600)
    assert gap_s(fast) == 0.00175
    assert frames_s(BUS, REQUEST) == pytest.approx((8 + 9) * 11 / 9600)
    cost = prices_of(BUS).cost
    assert cost.word_us == pytest.approx(2 * 11 / 9600 * 1e6)
    assert 15 < cost.request_words < 25  # words worth a request at 9600 baud


@asynccontextmanager
async def bus(**changes: object) -> AsyncIterator[tuple[GuardedLink, ModbusSimulator, list[float]]]:
    """A bus with unit 1; the list tells when questions arrived."""
    unit = Unit(64)
    unit.holding[:2] = (1, 2)
    asked: list[float] = []
    async with modbus_rtu.serve_tcp({1: unit}) as simulator:
        answer = simulator.answer

        def note(unit_id: int, pdu: bytes) -> bytes | None:
            asked.append(asyncio.get_running_loop().time())
            return answer(unit_id, pdu)

        simulator.answer = note
        link = GuardedLink(BUS.model_copy(update={"port": simulator.port, **changes}))
        yield link, simulator, asked
        await link.close()


async def read(link: GuardedLink, unit_id: int = 1) -> Answer:
    request = ReadRequest(unit_id=unit_id, function_code=3, address=0, count=2)
    return await link.read(request, DriverCounters())


def test_the_bus_is_silent_before_each_question() -> None:
    async def story() -> None:
        async with bus() as (link, _, asked):
            for _ in range(5):
                assert await read(link) == Answer(RIGHT, resync=False)
            silences = [after - before for before, after in pairwise(asked)]
            assert min(silences) == pytest.approx(gap_s(BUS)) or min(silences) > gap_s(BUS)

    run_virtually(story())


def test_after_a_missed_answer_the_bus_settles_before_anybody_is_asked() -> None:
    async def story() -> None:
        async with bus() as (link, simulator, asked):
            await read(link)
            simulator.choose = lambda: Manner.SILENT
            with pytest.raises(DeviceTimeout):
                await read(link)
            missed = asyncio.get_running_loop().time()
            simulator.choose = None
            assert await read(link) == Answer(RIGHT, resync=True)
            assert asked[-1] >= missed + 0.05

    run_virtually(story())


def test_after_a_doubled_answer_the_next_is_taken_with_doubt() -> None:
    async def story() -> None:
        async with bus() as (link, simulator, asked):
            simulator.choose = lambda: Manner.DOUBLED
            assert await read(link) == Answer(RIGHT, resync=False)
            simulator.choose = None
            assert await read(link) == Answer(RIGHT, resync=True)
            assert asked[1] - asked[0] >= 0.05
            assert await read(link) == Answer(RIGHT, resync=False)

    run_virtually(story())


def test_a_dead_unit_does_not_cast_doubt_on_its_neighbours() -> None:
    async def story() -> None:
        async with bus() as (link, _, _):
            for _ in range(3):
                with pytest.raises(DeviceTimeout):
                    await read(link, unit_id=9)
                await asyncio.sleep(60)
                assert await read(link) == Answer(RIGHT, resync=False)

    run_virtually(story())


def test_the_time_that_frames_take_is_not_the_devices() -> None:
    async def story() -> None:
        async with bus(baud=300) as (link, simulator, _):
            simulator.choose = lambda: Manner.LATE
            simulator.late_s = 0.2 + 0.9 * frames_s(BUS.model_copy(update={"baud": 300}), REQUEST)
            assert len((await read(link)).payload) == 4

    run_virtually(story())


def test_a_bus_that_never_falls_silent_is_given_up_in_bounded_time() -> None:
    async def story() -> None:
        async with bus() as (link, simulator, _):
            await read(link)
            flooding = True

            def flood(connection: Connection) -> None:
                if flooding and not connection._transport.is_closing():
                    connection._transport.write(b"\x55")
                    asyncio.get_running_loop().call_later(0.01, flood, connection)

            flood(simulator.connections[0])
            with pytest.raises(Desync):
                await asyncio.wait_for(read(link), timeout=10)
            flooding = False
            assert (await read(link)).payload == RIGHT

    run_virtually(story())


@asynccontextmanager
async def port(path: Path, **changes: object) -> AsyncIterator[tuple[GuardedLink, PortProxy]]:
    unit = Unit(64)
    unit.holding[:2] = (1, 2)
    proxy = PortProxy(unit, path)
    await proxy.mend()
    given = {"type": "modbus-rtu", "port": str(path), "baud": 115200, "timeout": "500ms", "settle": "20ms"}
    link = GuardedLink(ModbusRtuLink.model_validate({**given, **changes}))
    yield link, proxy
    await link.close()
    await proxy.cut()


async def test_a_port_that_hears_itself_is_read_when_that_is_told(tmp_path: Path) -> None:
    async with port(tmp_path / "usb", echo=True) as (link, proxy):
        proxy.echo = True
        for _ in range(3):
            assert await read(link) == Answer(RIGHT, resync=False)


async def test_an_echo_that_nobody_told_of_is_never_taken_for_an_answer(tmp_path: Path) -> None:
    async with port(tmp_path / "usb") as (link, proxy):
        proxy.echo = True
        with pytest.raises(Desync):
            await read(link)
        proxy.echo = False
        assert await read(link) == Answer(RIGHT, resync=True)


async def test_a_port_that_is_missing_or_taken_says_so(tmp_path: Path) -> None:
    async with port(tmp_path / "usb") as (link, proxy):
        await read(link)
        rival = GuardedLink(ModbusRtuLink(type="modbus-rtu", port=str(tmp_path / "usb")))
        with pytest.raises(LinkDown, match="another program has it open"):
            await read(rival)
        await rival.close()
        assert (await read(link)).payload == RIGHT
        await proxy.cut()
        with pytest.raises(LinkDown):
            await read(link)
        with pytest.raises(LinkDown, match="there is no such port"):
            await read(link)


async def test_an_adapter_that_comes_back_under_another_name_is_found_by_its_path(tmp_path: Path) -> None:
    async with port(tmp_path / "usb") as (link, proxy):
        for _ in range(3):
            assert (await read(link)).payload == RIGHT
            await proxy.cut()
            await asyncio.sleep(0.01)
            await proxy.mend()
