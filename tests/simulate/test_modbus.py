"""The simulated Modbus device: right when polite, countable, and wrong in the ways it is told."""

from __future__ import annotations

import asyncio
import os
import struct
from pathlib import Path
from random import Random

import numpy as np
import pytest

from agent.simulate.modbus import MbapEnvelope, Unit, serve
from agent.simulate.modbus_rtu import RtuEnvelope, checksum, serve_port, serve_tcp
from agent.simulate.rudeness import Manner, Reply, misbehave
from agent.simulate.values import registers_of
from config.links import WordOrder
from config.tags import ValueType

ENVELOPES = {"tcp": MbapEnvelope(7), "rtu": RtuEnvelope()}


async def talk(port: int, *sent: bytes) -> bytes:
    """Send each part by itself, then return what comes until the device is silent or closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in sent:
        writer.write(part)
        await asyncio.sleep(0)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def question(code: int, address: int, count: int, unit: int = 1, transaction: int = 7) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, code, address, count)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        pytest.param(question(3, 10, 2), "0007 0000 0007 01 03 04 1234 5678", id="holding registers"),
        pytest.param(question(4, 0, 1), "0007 0000 0005 01 04 02 9ABC", id="input registers"),
        pytest.param(question(1, 3, 10), "0007 0000 0005 01 01 02 01 02", id="coils"),
        pytest.param(question(2, 0, 1), "0007 0000 0004 01 02 01 01", id="discrete inputs"),
        pytest.param(question(3, 19, 2), "0007 0000 0003 01 83 02", id="beyond the end"),
        pytest.param(question(3, 5, 2), "0007 0000 0003 01 83 02", id="an illegal register"),
        pytest.param(question(4, 5, 2), "0007 0000 0007 01 04 04 0000 0000", id="legal in another table"),
        pytest.param(question(3, 0, 0), "0007 0000 0003 01 83 03", id="nothing"),
        pytest.param(question(3, 0, 126), "0007 0000 0003 01 83 03", id="too much"),
        pytest.param(question(7, 0, 1), "0007 0000 0003 01 87 01", id="a function it does not have"),
        pytest.param(question(3, 0, 1, unit=9), "0007 0000 0003 09 83 0B", id="a unit that is not there"),
    ],
)
async def test_a_question_gets_its_answer(asked: bytes, answer: str) -> None:
    unit = Unit(20)
    unit.holding[10:12] = (0x1234, 0x5678)
    unit.input_registers[0] = 0x9ABC
    unit.coils[[3, 12]] = True
    unit.inputs[0] = True
    unit.illegal = {(3, 6)}
    async with serve({1: unit}) as simulator:
        assert await talk(simulator.port, asked) == bytes.fromhex(answer)
        assert simulator.counts.requests == 1


async def test_questions_are_answered_one_by_one_however_they_arrive() -> None:
    asked = question(3, 0, 1, transaction=1) + question(3, 1, 1, transaction=2)
    async with serve({1: Unit(2)}) as simulator:
        together = await talk(simulator.port, asked)
        apart = await talk(simulator.port, *(bytes([byte]) for byte in asked))
    assert together == apart == bytes.fromhex("000100000005010302 0000 000200000005010302 0000")


@pytest.mark.usefixtures("deliberate_writes")
async def test_a_write_is_refused_counted_and_changes_nothing() -> None:
    async with serve({1: Unit(8)}) as simulator:
        for code in (5, 6, 15, 16, 21, 22, 23):
            answer = await talk(simulator.port, question(code, 0, 0xFF00))
            assert answer[7:] == bytes((code | 0x80, 1))
        assert simulator.counts.writes == dict.fromkeys((5, 6, 15, 16, 21, 22, 23), 1)
        assert simulator.counts.reads == 0
        assert not simulator.units[1].holding.any()
        assert not simulator.units[1].coils.any()


async def test_what_is_no_modbus_ends_the_connection() -> None:
    async with serve({1: Unit(8)}) as simulator:
        assert await talk(simulator.port, b"GET / HTTP/1.1\r\n\r\n") == b""
        assert simulator.counts.requests == 0


async def test_leaving_closes_every_connection() -> None:
    async with serve({1: Unit(8)}) as simulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        writer.write(question(3, 0, 1))
        await reader.readexactly(11)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("kind", ENVELOPES)
@pytest.mark.parametrize("manner", Manner)
def test_only_some_manners_carry_right_values(manner: Manner, kind: str) -> None:
    right = Reply(ENVELOPES[kind], 1, bytes.fromhex("03 04 1234 5678"))
    for seed in range(50):
        pieces = misbehave(manner, right, 1.0, Random(seed))
        sent = b"".join(piece.data for piece in pieces if piece.data is not None)
        assert (right.pdu[2:] in sent) == (
            manner in (Manner.POLITE, Manner.DELAYED, Manner.DOUBLED, Manner.FLOOD)
        )


@pytest.mark.parametrize("frame", ["010300000002 C40B", "010300000008 440C", "030300000003 0429"])
def test_the_checksum_is_that_of_the_specification(frame: str) -> None:
    assert checksum(bytes.fromhex(frame)[:-2]) == bytes.fromhex(frame)[-2:]


@pytest.mark.usefixtures("deliberate_writes")
async def test_a_bus_answers_its_units_and_nobody_else() -> None:
    unit = Unit(4)
    unit.holding[:2] = (0x1234, 0x5678)
    asked = RtuEnvelope().frame(1, bytes.fromhex("03 0000 0002"), None)
    other = RtuEnvelope().frame(2, bytes.fromhex("03 0000 0002"), None)
    write = RtuEnvelope().frame(1, bytes.fromhex("10 0000 0001 02 0007"), None)
    async with serve_tcp({1: unit}) as simulator:
        answer = await talk(simulator.port, other + asked, write)
        assert answer[:9].hex(" ").startswith("01 03 04 12 34 56 78")
        assert answer[9:12] == bytes.fromhex("01 90 01")
        assert simulator.counts.writes == {16: 1}
        assert await talk(simulator.port, asked[:-1] + bytes([asked[-1] ^ 1])) == b""


async def test_a_bus_can_be_reached_by_a_serial_port(tmp_path: Path) -> None:
    port = tmp_path / "usb-485"
    async with serve_port({1: Unit(4)}, port) as simulator:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(descriptor, RtuEnvelope().frame(1, bytes.fromhex("03 0000 0001"), None))
        for _ in range(1000):
            await asyncio.sleep(0.001)
            if simulator.counts.reads:
                break
        assert os.read(descriptor, 99)[:5] == bytes.fromhex("01 03 02 00 00")
        os.close(descriptor)
    assert not port.exists()


@pytest.mark.parametrize(
    ("order", "hexadecimal"),
    [
        (WordOrder.ABCD, "41CC0000"),
        (WordOrder.CDAB, "000041CC"),
        (WordOrder.BADC, "CC410000"),
        (WordOrder.DCBA, "0000CC41"),
    ],
)
def test_25_5_lies_in_registers_as_the_order_says(order: WordOrder, hexadecimal: str) -> None:
    registers = np.array(registers_of(25.5, ValueType.FLOAT32, order), dtype=">u2")
    assert registers.tobytes() == bytes.fromhex(hexadecimal)


def test_a_number_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(struct.error):
        registers_of(70000, ValueType.UINT16)
