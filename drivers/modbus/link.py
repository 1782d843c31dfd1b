"""Connections as pymodbus makes them, with two gates: what may leave, and what is heard.

The only file that knows pymodbus and pyserial. pymodbus opens the connection, numbers and encodes the
questions and hands over what arrives; it is never shown an answer. `docs/modbus.md` says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from config.models import ModbusTcpLink
from config.text import text
from drivers.contract import Desync, DeviceError, DeviceTimeout, LinkDown
from drivers.modbus.frame import READ_ONLY, ReadRequest
from drivers.modbus.mbap import hear_mbap

_SECOND_NS: Final = 10**9
_QUESTIONS: Final[dict[int, type[ModbusPDU]]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_MORE_THAN_ONE_RECEIVE: Final = 2**20  # pymodbus throws a longer buffer away unread

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


class _Framer(FramerSocket):
    """The two gates. `hear(heard)` returns how many bytes it used up."""

    def __init__(self, decoder: DecodePDU, hear: Callable[[bytes], int]) -> None:
        super().__init__(decoder)
        self._hear = hear

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
        return self._hear(data), None


@dataclass(slots=True, kw_only=True)
class _Pending:
    """The question on the wire."""

    request: ReadRequest
    answer: asyncio.Future[bytes]
    timer: asyncio.TimerHandle


class Connection:
    """One TCP connection, from its opening to its loss or to the first doubt about what arrives on it."""

    def __init__(self, settings: ModbusTcpLink, owner: Owner) -> None:
        self._client = AsyncModbusTcpClient(
            settings.host, port=settings.port, retries=0, reconnect_delay=0, trace_connect=self._on_connect
        )
        self._wire = self._client.ctx
        self._wire.framer = _Framer(self._wire.framer.decoder, self._hear)
        self._wire.max_buffer_size = _MORE_THAN_ONE_RECEIVE
        self._connect_timeout_s = settings.connect_timeout / _SECOND_NS
        self._timeout_s = settings.timeout / _SECOND_NS
        self._owner = owner
        self._pending: _Pending | None = None

    async def open(self, last_transaction_id: int) -> None:
        """Connect, and go on counting transactions: an answer meant for an earlier connection never fits.

        Raises OSError, TimeoutError among them.
        """
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                # not client.connect(): it hides the cause, and its wait_for may swallow a cancellation (3.11)
                await self._wire.call_create()
        except BaseException:
            self.close()
            raise
        self._wire.next_tid = last_transaction_id

    @property
    def connected(self) -> bool:
        """Whether a question may be asked."""
        return self._client.connected

    @property
    def last_transaction_id(self) -> int:
        """The number of the latest question."""
        return self._wire.next_tid

    def ask(self, request: ReadRequest) -> asyncio.Future[bytes]:
        """Put a question on the wire; the future will hold the payload or a DeviceError.

        Cancelling the future does not take the question back: it is settled within the timeout all the same,
        and until then no other may be asked. Raises ForbiddenFunctionCode.
        """
        loop = asyncio.get_running_loop()
        question = _question(request)
        question.transaction_id = self._wire.getNextTID()
        self._wire.pdu_send(question)
        timer = loop.call_later(self._timeout_s, self._expire)
        self._pending = _Pending(request=request, answer=loop.create_future(), timer=timer)
        return self._pending.answer

    def close(self) -> None:
        """Drop the connection at once; a question on the wire fails with LinkDown."""
        transport = self._wire.transport
        self._client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        self._settle(LinkDown(text("the connection was closed")))

    def _hear(self, heard: bytes) -> int:
        request = None if self._pending is None else self._pending.request
        used, verdict = hear_mbap(heard, self._wire.request_transaction_id, request)
        if verdict is not None:
            self._settle(verdict)
        return used

    def _settle(self, verdict: bytes | DeviceError) -> None:
        pending, self._pending = self._pending, None
        if isinstance(verdict, Desync | DeviceTimeout):
            self._owner.became_doubtful(self._wire.request_dev_id)
            self.close()
        if pending is None:
            return
        pending.timer.cancel()
        if not pending.answer.done():
            if isinstance(verdict, bytes):
                pending.answer.set_result(verdict)
            else:
                pending.answer.set_exception(verdict)
        self._owner.fell_quiet()

    def _expire(self) -> None:
        self._settle(DeviceTimeout(text("no answer within {seconds} s", seconds=self._timeout_s)))

    def _on_connect(self, connected: bool) -> None:
        if not connected:
            self._settle(LinkDown(text("the device closed the connection")))


def _question(request: ReadRequest) -> ModbusPDU:
    kind = _QUESTIONS.get(request.function_code)
    if kind is None:
        raise ForbiddenFunctionCode(f"function code {request.function_code} is not a read")
    return kind(dev_id=request.unit_id, address=request.address, count=request.count)
