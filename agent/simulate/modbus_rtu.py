"""A Modbus bus of our own: RTU frames, through a pseudo terminal or over TCP."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from agent.simulate.modbus import Connection, ModbusSimulator, Question, Unit, listening

_QUESTION_BYTES: Final = 8
_BITS_PER_CHARACTER: Final = 11
_SHORTEST_BYTES: Final = 4
_BYTE_COUNT_AT: Final = {15: 6, 16: 6, 23: 10}  # function codes whose questions carry values
_OTHER_BYTES: Final = {22: 10}
_READ_BYTES: Final = 4096

AWAY_S: Final = 0.5
"""How long an adapter is away that was pulled out."""


def checksum(data: bytes) -> bytes:
    """Return the CRC of a frame, as it is sent (MODBUS over Serial Line 1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a bus is: characters of 11 bits at `baud`, and units that think for `thinking_s`."""

    baud: int
    thinking_s: float

    def __call__(self, answer_bytes: int) -> float:
        """Return the seconds from the begin of a question to the end of its answer."""
        return (_QUESTION_BYTES + answer_bytes) * _BITS_PER_CHARACTER / self.baud + self.thinking_s


@dataclass(frozen=True, slots=True)
class RtuEnvelope:
    """A unit id before, a CRC behind."""

    transaction: int | None = None

    def frame(self, unit_id: int, pdu: bytes, transaction: int | None) -> bytes:  # noqa: ARG002
        """See `agent.simulate.rudeness.Envelope`."""
        data = bytes((unit_id,)) + pdu
        return data + checksum(data)


def rtu_questions(heard: bytes) -> tuple[list[Question], bytes]:
    """Return the whole questions on a bus, and what is left; what has a wrong CRC is not heard at all."""
    questions: list[Question] = []
    while len(heard) >= _SHORTEST_BYTES:
        size = _size_of(heard)
        if len(heard) < size:
            break
        frame, heard = heard[:size], heard[size:]
        if checksum(frame[:-2]) != frame[-2:]:
            return questions, b""
        questions.append(Question(envelope=RtuEnvelope(), unit_id=frame[0], pdu=frame[1:-2]))
    return questions, heard


def _size_of(heard: bytes) -> int:
    count_at = _BYTE_COUNT_AT.get(heard[1])
    if count_at is None:
        return _OTHER_BYTES.get(heard[1], _QUESTION_BYTES)
    return count_at + 3 + (heard[count_at] if len(heard) > count_at else 0)


@asynccontextmanager
async def serve_tcp(
    units: Mapping[int, Unit], *, host: str = "127.0.0.1", port: int = 0, seed: int = 0
) -> AsyncIterator[ModbusSimulator]:
    """Serve `units` by RTU frames over TCP until the context is left; otherwise as `modbus.serve`.

    Units that are not there stay silent, as on a bus.
    """
    simulator = ModbusSimulator(units, Random(seed), on_a_bus=True)
    async with listening(simulator, rtu_questions, host, port):
        yield simulator


@asynccontextmanager
async def serve_port(
    units: Mapping[int, Unit], path: Path, *, seed: int = 0
) -> AsyncIterator[ModbusSimulator]:
    """Serve `units` on a pseudo terminal until the context is left; `path` becomes a link to it.

    The link goes with the context, and whoever has the port open is told, as when an adapter is pulled out.
    A dropped connection is an adapter that is pulled out and comes back after `AWAY_S`.
    """
    simulator = ModbusSimulator(units, Random(seed), on_a_bus=True)
    adapter = _Adapter(simulator, path)
    adapter.plug_in()
    try:
        yield simulator
    finally:
        adapter.remove()


class _Adapter:
    """The adapter between a bus and `path`; comes back by itself when it was pulled out."""

    def __init__(self, simulator: ModbusSimulator, path: Path) -> None:
        self.simulator = simulator
        self._path = path
        self._port: SimulatedPort
        self._coming_back: asyncio.TimerHandle | None = None
        self._removed = False

    def plug_in(self) -> None:
        self._port = SimulatedPort(self._path)
        self._port.plug_in(_Plugged(self))

    def come_back(self) -> None:
        if not self._removed:
            self._coming_back = asyncio.get_running_loop().call_later(AWAY_S, self.plug_in)

    def remove(self) -> None:
        self._removed = True
        self._port.abort()
        if self._coming_back is not None:
            self._coming_back.cancel()


class _Plugged(Connection):
    """The connection of an adapter that is plugged in."""

    def __init__(self, adapter: _Adapter) -> None:
        super().__init__(adapter.simulator, rtu_questions)
        self._adapter = adapter

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        super().connection_lost(exc)
        self._adapter.come_back()


class SimulatedPort(asyncio.Transport):
    """The far end of a pseudo terminal that `path` is a link to: as much of a transport as is needed here."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._path = path
        self._master, self._slave = os.openpty()
        self._protocol: asyncio.Protocol
        self._closed = False
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)

    @property
    def terminal(self) -> str:
        """The terminal's own path, such as /dev/pts/3."""
        return os.ttyname(self._slave)

    def plug_in(self, protocol: asyncio.Protocol) -> None:
        """Make the link, and let the protocol hear what is sent to it."""
        self._protocol = protocol
        self._path.symlink_to(self.terminal)
        self._loop.add_reader(self._master, self._read)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio; what the terminal has no room for is lost, as on a bus that nobody hears."""
        with suppress(BlockingIOError):
            os.write(self._master, data)

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._closed

    def abort(self) -> None:
        """See asyncio."""
        if not self._closed:
            self._closed = True
            self._path.unlink()
            self._loop.remove_reader(self._master)
            os.close(self._slave)
            os.close(self._master)
            self._protocol.connection_lost(None)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            self._protocol.data_received(os.read(self._master, _READ_BYTES))
