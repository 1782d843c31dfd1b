"""A bus at its own pace: frames take the time of their characters, and units think before they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random

from agent.simulate.modbus import ModbusSimulator, Unit
from agent.simulate.modbus_rtu import RtuEnvelope, rtu_questions

BITS_PER_CHARACTER = 11
QUESTION_CHARACTERS = 8


class PacedBus(asyncio.Protocol):
    """The far end of the bus: RTU frames over TCP, as a converter passes them on.

    `silent`: units that do not answer. `busy_s`: time that frames and thinking took; `dead_s`: time from a
    question to a silent unit until the next question came. `asked`: the unit and time of every question.
    """

    def __init__(self, units: Mapping[int, Unit], baud: int, thinking_s: tuple[float, float]) -> None:
        self.simulator = ModbusSimulator(units, Random(0), on_a_bus=True)
        self.character_s = BITS_PER_CHARACTER / baud
        self.thinking_s = thinking_s
        self.silent: set[int] = set()
        self.asked: list[tuple[float, int]] = []
        self._heard = b""
        self._random = Random(1)
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        questions, self._heard = rtu_questions(self._heard + data)
        loop = asyncio.get_running_loop()
        for question in questions:
            self.asked.append((loop.time(), question.unit_id))
            pdu = self.simulator.answer(question.unit_id, question.pdu)
            if pdu is None or question.unit_id in self.silent:
                continue
            frame = RtuEnvelope().frame(question.unit_id, pdu, None)
            characters = QUESTION_CHARACTERS + len(frame)
            pause_s = characters * self.character_s + self._random.uniform(*self.thinking_s)
            loop.call_later(pause_s, self._send, frame)

    def hang_up(self) -> None:
        """End the connection."""
        self._transport.abort()

    def _send(self, frame: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame)

    def asked_s(self, unit: int, from_s: float, to_s: float) -> list[float]:
        """Return when a unit was asked."""
        return [at for at, asked in self.asked if asked == unit and from_s <= at < to_s]

    def dead_share(self, from_s: float, to_s: float, most_s: float) -> float:
        """Return the share of a time that questions to silent units took.

        That is until the next one was asked, but `most_s`: after that nobody had anything to ask.
        """
        inside = [(at, unit) for at, unit in self.asked if from_s <= at < to_s]
        pairs = pairwise(inside)
        taken_s = sum(min(after - at, most_s) for (at, unit), (after, _) in pairs if unit in self.silent)
        return taken_s / (to_s - from_s)


@asynccontextmanager
async def paced_bus(
    units: Mapping[int, Unit], *, baud: int = 9600, thinking_s: tuple[float, float] = (0.015, 0.025)
) -> AsyncIterator[tuple[PacedBus, int]]:
    """Serve a bus to as many connections as come, one after another; yield it and its port."""
    bus = PacedBus(units, baud, thinking_s)
    server = await asyncio.get_running_loop().create_server(lambda: bus, "127.0.0.1", 0)
    try:
        yield bus, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        bus.hang_up()
        await asyncio.sleep(0)
        await server.wait_closed()
