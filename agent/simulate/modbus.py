"""A Modbus device of our own, on bare asyncio: cheap, countable, and rude when told to be.

It shares no code with the driver that is tested against it.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from agent.simulate.account import note_device, note_write
from agent.simulate.rudeness import POLITE, Conduct, Envelope, Manner, Piece, Reply, misbehave

_HEADER: Final = struct.Struct(">HHHBB")
_RANGE: Final = struct.Struct(">HH")
_WRITES: Final = frozenset({5, 6, 15, 16, 21, 22, 23})

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
NO_ANSWER_BEHIND_GATEWAY: Final = 11


class Unit:
    """The memory of one device: four tables of `size` cells that a plant model sets at any time.

    `coils`, `inputs`: bool[size]. `holding`, `input_registers`: uint16[size]. Cells beyond `size`, and those
    in `illegal` ((function code, address)), are answered with exception 2, more than `max_words` with 3.
    """

    def __init__(self, size: int = 65536, max_words: int = 125) -> None:
        self.max_words = max_words
        self.coils = np.zeros(size, dtype=np.bool_)
        self.inputs = np.zeros(size, dtype=np.bool_)
        self.holding = np.zeros(size, dtype=">u2")
        self.input_registers = np.zeros(size, dtype=">u2")
        self.illegal: set[tuple[int, int]] = set()

    def read(self, function_code: int, address: int, count: int) -> bytes | int:
        """Return the payload of a read, or an exception code."""
        bits = function_code in (1, 2)
        if not 1 <= count <= (2000 if bits else self.max_words):
            return ILLEGAL_VALUE
        tables = (self.coils, self.inputs, self.holding, self.input_registers)
        table: NDArray[np.generic] = tables[function_code - 1]
        if address + count > table.size or (self.illegal and self._is_illegal(function_code, address, count)):
            return ILLEGAL_ADDRESS
        cells = table[address : address + count]
        return (
            np.packbits(cast(NDArray[np.bool_], cells), bitorder="little").tobytes()
            if bits
            else cells.tobytes()
        )

    def conduct(self, pdu: bytes) -> Conduct:  # noqa: ARG002 - for devices that are less polite
        """Return how the question `pdu` is answered."""
        return POLITE

    def _is_illegal(self, function_code: int, address: int, count: int) -> bool:
        return any((function_code, cell) in self.illegal for cell in range(address, address + count))


@dataclass(slots=True)
class Counts:
    """What was asked. `writes`: requests that would write, by function code; must stay empty."""

    requests: int = 0
    reads: int = 0
    connections: int = 0
    writes: Counter[int] = field(default_factory=Counter)


class NotModbus(Exception):  # noqa: N818 - the failure's own word
    """What a client sent cannot be a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, and the envelope that its answer is to be sent in."""

    envelope: Envelope
    unit_id: int
    pdu: bytes


TakeQuestions = Callable[[bytes], tuple[list[Question], bytes]]
"""Takes whole questions off what was heard; returns them and the rest."""


@dataclass(frozen=True, slots=True)
class MbapEnvelope:
    """The header of Modbus TCP."""

    transaction: int | None

    def frame(self, unit_id: int, pdu: bytes, transaction: int | None) -> bytes:
        """See `Envelope`."""
        return _HEADER.pack(transaction or 0, 0, len(pdu) + 1, unit_id, pdu[0]) + pdu[1:]


class ModbusSimulator:
    """A Modbus server with several units. Made by `serve`.

    `units` may change at any time; a unit that is not there is answered for with exception 11, as a gateway
    does, or `on_a_bus` not at all. `choose`: says for each question how to behave, whatever the unit would
    do. `late_s`: a pause longer than the asker waits. `gateway`: what is sent late goes to whoever is
    connected then. `admits`: says whether a client may connect now. `pace`: seconds that
    a question and its answer of so many bytes take.
    """

    def __init__(self, units: Mapping[int, Unit], random: Random, *, on_a_bus: bool = False) -> None:
        self.units = dict(units)
        self.on_a_bus = on_a_bus
        self.counts = Counts()
        self.choose: Callable[[], Manner] | None = None
        self.admits: Callable[[], bool] = lambda: True
        self.pace: Callable[[int], float] = lambda _: 0.0
        self.late_s = 1.0
        self.gateway = False
        self.random = random
        self.port = 0
        self.connections: list[Connection] = []
        note_device("modbus")

    def answer(self, unit_id: int, pdu: bytes) -> bytes | None:
        """Return the PDU that answers `pdu`, None for silence, and count it."""
        function_code = pdu[0]
        self.counts.requests += 1
        if function_code in _WRITES:
            self.counts.writes[function_code] += 1
            note_write("modbus", function_code)
        unit = self.units.get(unit_id)
        if unit is None:
            return None if self.on_a_bus else bytes((function_code | 0x80, NO_ANSWER_BEHIND_GATEWAY))
        if not 1 <= function_code <= 4 or len(pdu) != 1 + _RANGE.size:
            return bytes((function_code | 0x80, ILLEGAL_FUNCTION))
        self.counts.reads += 1
        payload = unit.read(function_code, *_RANGE.unpack_from(pdu, 1))
        if isinstance(payload, int):
            return bytes((function_code | 0x80, payload))
        return bytes((function_code, len(payload))) + payload

    def conduct(self, question: Question) -> Conduct:
        """Return how a question is answered."""
        if self.choose is not None:
            return Conduct(self.choose(), self.late_s)
        unit = self.units.get(question.unit_id)
        return POLITE if unit is None else unit.conduct(question.pdu)

    def drop_connections(self) -> None:
        """Close every connection at once, as a device does that restarts."""
        for connection in list(self.connections):
            connection.drop()


@asynccontextmanager
async def serve(
    units: Mapping[int, Unit], *, host: str = "127.0.0.1", port: int = 0, seed: int = 0
) -> AsyncIterator[ModbusSimulator]:
    """Serve `units` (by unit id) over Modbus TCP until the context is left.

    `port` 0 takes a free one, told by `.port`. The simulator runs on the caller's event loop and starts no
    task; on leaving, every connection is closed. `seed`: of everything that rude manners leave to chance.
    """
    simulator = ModbusSimulator(units, Random(seed))
    async with listening(simulator, mbap_questions, host, port):
        yield simulator


@asynccontextmanager
async def listening(
    simulator: ModbusSimulator, take: TakeQuestions, host: str, port: int
) -> AsyncIterator[None]:
    """Let clients connect to a simulator by TCP; `take` finds their questions."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(simulator, take), host, port)
    simulator.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        simulator.drop_connections()
        await server.wait_closed()


def mbap_questions(heard: bytes) -> tuple[list[Question], bytes]:
    """Return the whole questions of a Modbus TCP stream, and what is left. Raises NotModbus."""
    questions: list[Question] = []
    while len(heard) >= _HEADER.size:
        transaction, protocol, length, unit_id, _ = _HEADER.unpack_from(heard)
        if protocol != 0 or length < 2:
            raise NotModbus
        end = _HEADER.size - 2 + length
        if len(heard) < end:
            break
        pdu = heard[_HEADER.size - 1 : end]
        questions.append(Question(envelope=MbapEnvelope(transaction), unit_id=unit_id, pdu=pdu))
        heard = heard[end:]
    return questions, heard


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, simulator: ModbusSimulator, take: TakeQuestions) -> None:
        self._simulator = simulator
        self._take = take
        self._heard = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._simulator.counts.connections += 1
        self._simulator.connections.append(self)
        if not self._simulator.admits():
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """See asyncio."""
        self._simulator.connections.remove(self)

    def data_received(self, data: bytes) -> None:
        """Answer every whole question; what is no Modbus ends the connection."""
        try:
            questions, self._heard = self._take(self._heard + data)
        except NotModbus:
            self.drop()
            return
        for question in questions:
            pdu = self._simulator.answer(question.unit_id, question.pdu)
            if pdu is not None:
                self._reply(
                    Reply(question.envelope, question.unit_id, pdu), self._simulator.conduct(question)
                )

    def drop(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _reply(self, right: Reply, conduct: Conduct) -> None:
        pause_s = self._simulator.pace(len(right.frame()))
        for piece in misbehave(conduct.manner, right, conduct.pause_s, self._simulator.random):
            pause_s += piece.pause_s
            if pause_s:
                asyncio.get_running_loop().call_later(pause_s, self._send, piece)
            else:
                self._send(piece)

    def _send(self, piece: Piece) -> None:
        receiver = self
        if piece.stray and self._simulator.gateway and self._simulator.connections:
            receiver = self._simulator.connections[-1]
        if piece.data is None:
            receiver.drop()
        elif not receiver._transport.is_closing():
            receiver._transport.write(piece.data)
