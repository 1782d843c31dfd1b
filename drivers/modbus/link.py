"""The guarded link: one endpoint, one question at a time, and no answer believed that is not its own.

The only file that knows pymodbus. pymodbus opens the connection, numbers and encodes the questions and hands
over what arrives; what may leave and what may be believed is decided here. `docs/modbus.md` says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import randrange
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from config.models import ModbusTcpLink
from config.text import text
from drivers.contract import Desync, DeviceError, DeviceTimeout, DriverCounters, LinkDown
from drivers.modbus.frame import READ_ONLY, Answer, ReadRequest, hear_mbap
from drivers.shared import Shared, cause_of

_SECOND_NS: Final = 10**9
_QUESTIONS: Final[dict[int, type[ModbusPDU]]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}

_TRANSACTION_IDS: Final = 65000  # pymodbus counts to here and then from 1 again
_MORE_THAN_ONE_RECEIVE: Final = 2**20  # pymodbus throws a longer buffer away unread

# pymodbus tells every stray frame at ERROR; here each one is a verdict, and `agent/poll.py` logs transitions.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class ForbiddenFunctionCode(Exception):  # noqa: N818 - the failure's own word
    """Something in this program tried to send a function code that is not a read: a bug; nothing was sent."""


class _Framer(FramerSocket):
    """The two gates of a connection: outwards only reads, inwards only what `hear` takes.

    `hear(heard)` returns how many bytes it used up. pymodbus itself is never shown an answer.
    """

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


class _Connection:
    """One TCP connection, from its opening to its loss or to the first doubt about what arrives on it.

    `fall_quiet`: called when a question is settled, be there still somebody who waits for it or not.
    """

    def __init__(self, host: str, port: int, fall_quiet: Callable[[], None]) -> None:
        self._client = AsyncModbusTcpClient(
            host, port=port, retries=0, reconnect_delay=0, trace_connect=self._on_connect
        )
        self._wire = self._client.ctx
        self._wire.framer = _Framer(self._wire.framer.decoder, self._hear)
        self._wire.max_buffer_size = _MORE_THAN_ONE_RECEIVE
        self._pending: _Pending | None = None
        self._fall_quiet = fall_quiet
        self.doubtful = False

    async def open(self, timeout_s: float, last_transaction_id: int) -> None:
        """Connect, and go on counting transactions: an answer meant for an earlier connection never fits.

        Raises OSError, TimeoutError among them.
        """
        try:
            async with asyncio.timeout(timeout_s):
                # not client.connect(): it hides the cause, and its wait_for may swallow a cancellation (3.11)
                await self._wire.call_create()
        except BaseException:
            self.close()
            raise
        self._wire.next_tid = last_transaction_id

    @property
    def last_transaction_id(self) -> int:
        """The number of the latest question."""
        return self._wire.next_tid

    @property
    def usable(self) -> bool:
        """Whether a question may be asked."""
        return self._client.connected and not self.doubtful

    def ask(self, request: ReadRequest, timeout_s: float) -> asyncio.Future[bytes]:
        """Put a question on the wire; the future will hold the payload or a DeviceError.

        Cancelling the future does not take the question back: it is settled within the timeout all the same,
        and until then no other may be asked. Raises ForbiddenFunctionCode.
        """
        loop = asyncio.get_running_loop()
        question = _question(request)
        question.transaction_id = self._wire.getNextTID()
        self._wire.pdu_send(question)
        timer = loop.call_later(timeout_s, self._expire, timeout_s)
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
            self.doubtful = True
            self.close()
        if pending is None:
            return
        pending.timer.cancel()
        if not pending.answer.done():
            if isinstance(verdict, bytes):
                pending.answer.set_result(verdict)
            else:
                pending.answer.set_exception(verdict)
        self._fall_quiet()

    def _expire(self, timeout_s: float) -> None:
        self._settle(DeviceTimeout(text("no answer within {seconds} s", seconds=timeout_s)))

    def _on_connect(self, connected: bool) -> None:
        if not connected:
            self._settle(LinkDown(text("the device closed the connection")))


class GuardedLink(Shared):
    """One endpoint, shared by the devices behind it: connected on demand, asked one question at a time.

    A caller that is cancelled leaves its question on the wire: the answer is heard out, and thrown away,
    before the next question is asked. After a timeout or an answer that does not fit, the connection is
    closed; the next question opens another, and its first answer is marked.
    """

    def __init__(self, settings: ModbusTcpLink) -> None:
        super().__init__()
        self._settings = settings
        self._timeout_s = settings.timeout / _SECOND_NS
        self._lock = asyncio.Lock()
        self._connection: _Connection | None = None
        self._last_transaction_id = randrange(_TRANSACTION_IDS)
        self._failed_connects = 0
        self._failure = LinkDown(text("not connected yet"))
        self._resync = False
        self._closed = False

    async def read(self, request: ReadRequest, counters: DriverCounters) -> Answer:
        """Ask one question and return its answer, connecting first where there is no connection.

        Raises LinkDown, DeviceTimeout, Desync, DeviceRefused; ForbiddenFunctionCode for anything but a read.
        Bounded by the link's two timeouts for each caller before this one and for this one.
        """
        failed_connects = self._failed_connects
        await self._lock.acquire()
        try:
            if failed_connects != self._failed_connects:
                raise self._failure  # it failed while this caller waited: that answers for all who waited
            answer = (await self._usable_connection(counters)).ask(request, self._timeout_s)
        except BaseException:
            self._lock.release()
            raise
        counters.requests += 1
        try:
            payload = await answer  # the lock stays taken until the connection falls quiet
        except DeviceError as error:
            counters.count(error)
            raise
        resync, self._resync = self._resync, False
        return Answer(payload, resync)

    async def close(self) -> None:
        """See `Shared`."""
        self._closed = True
        self._drop()
        async with self._lock:  # whoever is just connecting comes to an end first
            self._drop()
        await asyncio.sleep(0)  # the loop closes an aborted socket in its next turn

    async def _usable_connection(self, counters: DriverCounters) -> _Connection:
        if self._connection is not None:
            if self._connection.usable:
                return self._connection
            self._resync |= self._connection.doubtful
            self._drop()
        if self._closed:
            raise LinkDown(text("the link is closed"))
        connection = _Connection(self._settings.host, self._settings.port, self._lock.release)
        counters.connects += 1
        try:
            await connection.open(self._settings.connect_timeout / _SECOND_NS, self._last_transaction_id)
        except OSError as error:
            self._failed_connects += 1
            self._failure = self._no_connection(error)
            raise self._failure from error
        self._connection = connection
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._last_transaction_id = connection.last_transaction_id
            connection.close()

    def _no_connection(self, error: OSError) -> LinkDown:
        return LinkDown(
            text(
                "no connection to {host}:{port}: {cause}",
                host=self._settings.host,
                port=self._settings.port,
                cause=cause_of(error),
            )
        )


def _question(request: ReadRequest) -> ModbusPDU:
    kind = _QUESTIONS.get(request.function_code)
    if kind is None:
        raise ForbiddenFunctionCode(f"function code {request.function_code} is not a read")
    return kind(dev_id=request.unit_id, address=request.address, count=request.count)
