"""Connections as pymodbus makes them, with two gates: what may leave, and what is heard.

The only file that knows pymodbus and pyserial. pymodbus opens the connection, numbers and encodes the
questions and hands over what arrives; it is never shown an answer. `docs/modbus.md` says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypedDict, cast

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, ModbusBaseClient
from pymodbus.framer import FramerBase, FramerRTU, FramerSocket, FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from config.links import ModbusBus, ModbusLink, ModbusRtuLink, ModbusRtuTcpLink, ModbusTcpLink
from config.text import text
from drivers.contract import Desync, DeviceError, DeviceTimeout, LinkDown
from drivers.modbus.frame import READ_ONLY, ReadRequest
from drivers.modbus.mbap import hear_mbap
from drivers.modbus.rtu import frames_s, hear_rtu, longest_frame_s, pause_s, settle_s

Judge = Callable[[bytes, int, ReadRequest | None], tuple[int, bytes | DeviceError | None]]


class _Behaviour(TypedDict):
    retries: int
    reconnect_delay: float


_SECOND_NS: Final = 10**9
_QUESTIONS: Final[dict[int, type[ModbusPDU]]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_NOTHING_BEHIND_OUR_BACK: Final[_Behaviour] = {"retries": 0, "reconnect_delay": 0}
_RECEIVE_BYTES: Final = 2**16  # not asyncio's 256 KiB: beside a flooding device they left holes in the heap
_MORE_THAN_ONE_RECEIVE: Final = 2**20  # pymodbus throws a longer buffer away unread
_SETTLES_BEFORE_GIVING_UP: Final = 10
_LAST_CALLS_S: Final = 1.0  # within this, the loop has made the last calls of a closed connection
_TURNS_TO_CONNECT: Final = 2  # of the loop, in which pymodbus sets a serial port up

# pymodbus tells every stray frame at ERROR; here each one is a verdict, and `agent/poll.py` logs transitions.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class ForbiddenFunctionCode(Exception):  # noqa: N818 - the failure's own word
    """Something in this program tried to send a function code that is not a read: a bug; nothing was sent."""


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def fell_quiet(self) -> None:
        """Hear that a question is settled, be there still somebody who waits for it or not."""
        ...

    def became_doubtful(self, unit_id: int) -> None:
        """Hear that what arrives can no longer be believed; `unit_id` was asked last."""
        ...


class _Gates(FramerBase):
    """The two gates. `hear(heard)` returns how many bytes it used up."""

    hear: Callable[[bytes], int]

    def buildFrame(self, message: ModbusPDU) -> bytes:  # noqa: N802 - pymodbus's name
        """Encode a question; every byte that ever leaves passes here. Raises ForbiddenFunctionCode."""
        if message.function_code not in READ_ONLY:
            raise ForbiddenFunctionCode(f"function code {message.function_code} is not a read")
        return super().buildFrame(message)

    def handleFrame(  # noqa: N802 - pymodbus's name
        self,
        data: bytes,
        exp_devid: int,  # noqa: ARG002
        exp_tid: int,  # noqa: ARG002
    ) -> tuple[int, None]:
        """Give what was heard to the connection's own judgement."""
        return self.hear(data), None


class _TcpFramer(_Gates, FramerSocket):
    """Questions with the header of Modbus TCP."""


class _RtuFramer(_Gates, FramerRTU):
    """Questions with a unit id and a CRC."""


@dataclass(slots=True, kw_only=True)
class _Pending:
    """The question on the wire."""

    request: ReadRequest
    answer: asyncio.Future[bytes]
    timer: asyncio.TimerHandle


class Connection:
    """One connection, from its opening to its loss.

    `judge`: which bytes are believed; see `hear_mbap`.
    """

    def __init__(
        self, client: ModbusBaseClient, framer: type[_Gates], judge: Judge, timeout_ns: int, owner: Owner
    ) -> None:
        self._client = client
        self._wire = client.ctx
        self._wire.framer = framer(self._wire.framer.decoder)
        self._wire.framer.hear = self._hear
        self._wire.trace_connect = self._on_connect
        self._wire.max_buffer_size = _MORE_THAN_ONE_RECEIVE
        self._judge = judge
        self._timeout_s = timeout_ns / _SECOND_NS
        self._owner = owner
        self._transport: asyncio.BaseTransport | None = None
        self._pending: _Pending | None = None
        self._closed = False
        self.last_transaction_id = 0

    async def open(self, timeout_s: float, last_transaction_id: int) -> None:
        """Connect, and go on counting transactions: an answer meant for an earlier connection never fits.

        Raises OSError, TimeoutError among them.
        """
        try:
            async with asyncio.timeout(timeout_s):
                # not client.connect(): it hides the cause, and its wait_for may swallow a cancellation (3.11)
                self._transport, _ = await self._wire.call_create()
                cast(Any, self._transport).max_size = _RECEIVE_BYTES  # as asyncio's own transports name it
                for _ in range(_TURNS_TO_CONNECT):
                    await asyncio.sleep(0)
        except BaseException:
            self.close()
            raise
        self._wire.next_tid = self.last_transaction_id = last_transaction_id

    @property
    def connected(self) -> bool:
        """Whether a question may be asked."""
        return not self._closed and self._client.connected

    async def ready(self, *, settle: bool) -> None:
        """Return when the next question may be asked; after a doubt, when the wire has settled.

        Raises Desync where that does not come about.
        """

    def ask(self, request: ReadRequest) -> asyncio.Future[bytes]:
        """Put a question on the wire; the future will hold the payload or a DeviceError.

        Cancelling the future does not take the question back: it is settled within the timeout all the same,
        and until then no other may be asked. Raises LinkDown, ForbiddenFunctionCode.
        """
        if not self.connected:
            raise LinkDown(text("the device closed the connection"))
        loop = asyncio.get_running_loop()
        question = _question(request)
        question.transaction_id = self.last_transaction_id = self._wire.getNextTID()
        self._wire.pdu_send(question)
        timer = loop.call_later(self._patience_s(request), self._expire)
        self._pending = _Pending(request=request, answer=loop.create_future(), timer=timer)
        return self._pending.answer

    def close(self) -> None:
        """Drop the connection at once; a question on the wire fails with LinkDown."""
        if self._closed:
            return
        self._closed = True
        transport = self._transport or self._wire.transport
        self._client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        self._settle(LinkDown(text("the connection was closed")))
        asyncio.get_running_loop().call_later(_LAST_CALLS_S, _take_apart, self._wire, transport)

    def _patience_s(self, request: ReadRequest) -> float:  # noqa: ARG002 - a bus needs it
        return self._timeout_s

    def _hear(self, heard: bytes) -> int:
        request = None if self._pending is None else self._pending.request
        used, verdict = self._judge(heard, self._wire.request_transaction_id, request)
        if verdict is not None:
            self._settle(verdict)
        return used

    def _settle(self, verdict: bytes | DeviceError) -> None:
        pending, self._pending = self._pending, None
        if isinstance(verdict, Desync | DeviceTimeout):
            self._owner.became_doubtful(self._wire.request_dev_id)
            self._on_doubt(asked=pending is not None)
        if pending is None:
            return
        pending.timer.cancel()
        if not pending.answer.done():
            if isinstance(verdict, bytes):
                pending.answer.set_result(verdict)
            else:
                pending.answer.set_exception(verdict)
        self._owner.fell_quiet()

    def _on_doubt(self, *, asked: bool) -> None:  # noqa: ARG002 - a bus needs it
        """Keep what is still under way from being believed; `asked`: an answer is missing."""
        self.close()

    def _expire(self) -> None:
        self._settle(DeviceTimeout(text("no answer within {seconds} s", seconds=self._timeout_s)))

    def _on_connect(self, connected: bool) -> None:
        if not connected:
            self._settle(LinkDown(text("the device closed the connection")))


class TcpConnection(Connection):
    """A Modbus TCP connection; the first doubt about what arrives on it is its end."""

    def __init__(self, settings: ModbusTcpLink, owner: Owner) -> None:
        client = AsyncModbusTcpClient(settings.host, port=settings.port, **_NOTHING_BEHIND_OUR_BACK)
        super().__init__(client, _TcpFramer, hear_mbap, settings.timeout, owner)


class _BusConnection(Connection):
    """RTU frames on a bus, which must be silent between them, and silent for longer after a doubt."""

    def __init__(self, client: ModbusBaseClient, bus: ModbusBus, owner: Owner) -> None:
        super().__init__(client, _RtuFramer, hear_rtu, bus.timeout, owner)
        self._bus = bus
        self._pause_s = pause_s(bus)
        self._settle_s = settle_s(bus)
        self._patience_with_noise_s = _SETTLES_BEFORE_GIVING_UP * self._settle_s + longest_frame_s(bus)
        self._busy_until_s = asyncio.get_running_loop().time()

    async def ready(self, *, settle: bool) -> None:
        """See `Connection`."""
        loop = asyncio.get_running_loop()
        silence_s = self._settle_s if settle else self._pause_s
        give_up_s = loop.time() + self._patience_with_noise_s
        while (wait_s := self._busy_until_s + silence_s - loop.time()) > 0:
            if loop.time() > give_up_s:
                self.close()
                raise Desync(text("the bus does not fall silent"))
            await asyncio.sleep(wait_s)

    def ask(self, request: ReadRequest) -> asyncio.Future[bytes]:
        """See `Connection`."""
        self._wire.sent_buffer = b""  # an echo that never came
        return super().ask(request)

    def _patience_s(self, request: ReadRequest) -> float:
        return self._timeout_s + frames_s(self._bus, request)

    def _hear(self, heard: bytes) -> int:
        self._busy_until_s = asyncio.get_running_loop().time()
        used = super()._hear(heard)
        if used < len(heard) and self._pending is None:
            super()._hear(heard[used:])
            return len(heard)
        return used

    def _on_doubt(self, *, asked: bool) -> None:  # noqa: ARG002
        self._busy_until_s = asyncio.get_running_loop().time()


class SerialConnection(_BusConnection):
    """A serial port. It stays open in doubt: what is still under way is let pass before the next question."""

    def __init__(self, settings: ModbusRtuLink, owner: Owner) -> None:
        client = AsyncModbusSerialClient(
            settings.port,
            baudrate=settings.baud,
            parity=settings.parity[0].upper(),
            stopbits=settings.stop_bits,
            handle_local_echo=settings.echo,
            **_NOTHING_BEHIND_OUR_BACK,
        )
        super().__init__(client, settings, owner)


class RtuTcpConnection(_BusConnection):
    """A TCP connection to a converter that passes RTU frames on.

    A missed answer is its end, and the next one settles before it is used: a converter may send what came
    late from the bus to whoever is connected by then.
    """

    def __init__(self, settings: ModbusRtuTcpLink, owner: Owner) -> None:
        client = AsyncModbusTcpClient(
            settings.host, port=settings.port, framer=FramerType.RTU, **_NOTHING_BEHIND_OUR_BACK
        )
        super().__init__(client, settings, owner)

    def _on_doubt(self, *, asked: bool) -> None:
        super()._on_doubt(asked=asked)
        if asked:
            self.close()


def connection_to(settings: ModbusLink, owner: Owner) -> Connection:
    """Return a connection of the link's kind, not yet open."""
    match settings:
        case ModbusTcpLink():
            return TcpConnection(settings, owner)
        case ModbusRtuLink():
            return SerialConnection(settings, owner)
        case ModbusRtuTcpLink():
            return RtuTcpConnection(settings, owner)


def _take_apart(*parts: object | None) -> None:
    """Empty the parts of a closed connection, which hold one another in circles.

    They would wait for the garbage collector, which rarely looks at what has lived for a while
    (`agent/litter.py`); beside a device that never answers, they are 50 MB an hour.
    """
    for part in parts:
        if part is not None:
            vars(part).clear()


def _question(request: ReadRequest) -> ModbusPDU:
    kind = _QUESTIONS.get(request.function_code)
    if kind is None:
        raise ForbiddenFunctionCode(f"function code {request.function_code} is not a read")
    return kind(dev_id=request.unit_id, address=request.address, count=request.count)
