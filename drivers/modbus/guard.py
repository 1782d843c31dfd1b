"""The guarded link: one endpoint, one question at a time, and no answer believed that is not its own."""

from __future__ import annotations

import asyncio
from random import randrange
from typing import Final

from config.causes import cause_of
from config.links import ModbusBus, ModbusLink, ModbusRtuLink
from config.text import text
from drivers.contract import DeviceError, DriverCounters, LinkDown
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.link import Connection, connection_to
from drivers.modbus.planner import Cost
from drivers.modbus.rtu import cost_of
from drivers.shared import Shared

_SECOND_NS: Final = 10**9
_NEVER: Final = 2**63
_OPEN_PORT_S: Final = 3.0
_TRANSACTION_IDS: Final = 65000  # pymodbus counts to here and then from 1 again


class GuardedLink(Shared):
    """One endpoint, shared by the devices behind it: connected on demand, asked one question at a time.

    A caller that is cancelled leaves its question on the wire: the answer is heard out, and thrown away,
    before the next question is asked. After a timeout or an answer that does not fit, what may still be under
    way is kept from being heard, and the first answer of the unit that was asked then is marked.
    `cost`: what a request costs here, for the planner.
    """

    def __init__(self, settings: ModbusLink) -> None:
        super().__init__()
        self.cost = cost_of(settings) if isinstance(settings, ModbusBus) else Cost()
        self._settings = settings
        self._connect_timeout_s = _connect_timeout_s(settings)
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._last_transaction_id = randrange(_TRANSACTION_IDS)
        self._failed_connects = 0
        self._failure = LinkDown(text("not connected yet"))
        self._doubts = 0
        self._doubts_settled = 0
        self._doubt_of_unit: dict[int, int] = {}
        self._closed = False

    async def read(self, request: ReadRequest, counters: DriverCounters) -> Answer:
        """Ask one question and return its answer, connecting first where there is no connection.

        Raises LinkDown, DeviceTimeout, Desync, DeviceRefused; ForbiddenFunctionCode for anything but a read.
        Bounded by the link's two timeouts for each caller before this one and for this one.
        """
        try:
            doubts, answer = await self._ask(request, counters)
            payload = await answer  # the lock stays taken until the connection falls quiet
        except DeviceError as error:
            counters.count(error)
            raise
        resync = self._doubt_of_unit.get(request.unit_id, _NEVER) <= doubts
        if resync:
            del self._doubt_of_unit[request.unit_id]
        return Answer(payload, resync)

    async def close(self) -> None:
        """See `Shared`."""
        self._closed = True
        self._drop()
        async with self._lock:  # whoever is just connecting comes to an end first
            self._drop()
        await asyncio.sleep(0)  # the loop closes an aborted socket in its next turn

    def fell_quiet(self) -> None:
        """See `Owner`."""
        self._lock.release()

    def became_doubtful(self, unit_id: int) -> None:
        """See `Owner`."""
        self._doubts += 1
        self._doubt_of_unit[unit_id] = self._doubts

    async def _ask(self, request: ReadRequest, counters: DriverCounters) -> tuple[int, asyncio.Future[bytes]]:
        """Take the link and put a question on it; return how many doubts there were, and the answer."""
        failed_connects = self._failed_connects
        await self._lock.acquire()
        try:
            if failed_connects != self._failed_connects:
                raise self._failure  # it failed while this caller waited: that answers for all who waited
            connection = await self._ready(counters)
            answer = connection.ask(request)
        except BaseException:
            self._lock.release()
            raise
        counters.requests += 1
        return self._doubts, answer

    async def _ready(self, counters: DriverCounters) -> Connection:
        connection = await self._connected(counters)
        while True:
            doubts = self._doubts
            await connection.ready(settle=doubts != self._doubts_settled)
            self._doubts_settled = doubts
            if doubts == self._doubts:  # none arose meanwhile
                return connection

    async def _connected(self, counters: DriverCounters) -> Connection:
        if self._connection is not None and self._connection.connected:
            return self._connection
        self._drop()
        if self._closed:
            raise LinkDown(text("the link is closed"))
        connection = connection_to(self._settings, self)
        counters.connects += 1
        try:
            await connection.open(self._connect_timeout_s, self._last_transaction_id)
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
                "no connection to {endpoint}: {cause}",
                endpoint=self._settings.endpoint,
                cause=cause_of(error),
            )
        )


def _connect_timeout_s(settings: ModbusLink) -> float:
    if isinstance(settings, ModbusRtuLink):
        return _OPEN_PORT_S
    return settings.connect_timeout / _SECOND_NS
