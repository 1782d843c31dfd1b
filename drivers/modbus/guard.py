"""The guarded link: one endpoint, one question at a time, and no answer believed that is not its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import randrange
from typing import Final

from config.causes import cause_of
from config.links import ModbusLink, ModbusRtuLink
from config.text import text
from drivers.contract import Demoted, DeviceError, DeviceRefused, DriverCounters, LinkDown
from drivers.modbus.admission import Admission
from drivers.modbus.demotion import Demotion
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.link import Connection, connection_to
from drivers.modbus.meter import Meter
from drivers.modbus.planner import Cost
from drivers.modbus.prices import prices_of
from drivers.shared import Shared

_SECOND_NS: Final = 10**9
_NEVER: Final = 2**63
_OPEN_PORT_S: Final = 3.0
_MUCH: Final = 1.5
_TRANSACTION_IDS: Final = 65000  # pymodbus counts to here and then from 1 again


@dataclass(slots=True, kw_only=True)
class _Asked:
    """A question on the wire: how many doubts there were, when it was put there, and its answer.

    Whoever waits takes the answer away: an error's traceback holds the frames that it passed, and none of
    them may hold the error.
    """

    doubts: int
    at_s: float
    answer: asyncio.Future[bytes] | None

    async def answered(self) -> bytes:
        """Return the payload, once. Raises DeviceError."""
        answer, self.answer = self.answer, None
        assert answer is not None
        try:
            return await answer
        finally:
            del answer


class GuardedLink(Shared):
    """One endpoint, shared by the devices behind it: connected on demand, asked one question at a time.

    A caller that is cancelled leaves its question on the wire: the answer is heard out, and thrown away,
    before the next question is asked. After a timeout or an answer that does not fit, what may still be under
    way is kept from being heard, and the first answer of the unit that was asked then is marked.
    `prices`: of its questions, as configured. `meter`: what they really cost.
    """

    def __init__(self, settings: ModbusLink) -> None:
        super().__init__()
        self.prices = prices_of(settings)
        self._settings = settings
        self._connect_timeout_s = _connect_timeout_s(settings)
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._last_transaction_id = randrange(_TRANSACTION_IDS)
        self._failed_connects = 0
        self._failure = LinkDown(text("not connected yet"))
        self._cut_off = False
        self._doubts = 0
        self._doubts_settled = 0
        self._doubt_of_unit: dict[int, int] = {}
        self._closed = False
        self._planned_with = self.prices.cost
        self.meter = Meter(self.prices.cost)
        self.demotion = Demotion(self.prices.share, self.prices.silence_s)
        self._admission = Admission(self.demotion)

    @property
    def cost(self) -> Cost:
        """What the planner is to reckon with: as configured, until something much different was measured."""
        measured = self.meter.cost
        if measured is not None and _differ(measured, self._planned_with):
            self._planned_with = measured
        return self._planned_with

    async def read(self, request: ReadRequest, counters: DriverCounters, *, risky: bool = False) -> Answer:
        """Ask one question and return its answer, connecting first where there is no connection.

        `risky`: it will probably not be answered, and is only asked where the link can afford that.

        Raises LinkDown, DeviceTimeout, Desync, DeviceRefused, Demoted; ForbiddenFunctionCode for anything but
        a read. Bounded by the link's two timeouts for each caller before this one and for this one.
        """
        try:
            asked = await self._ask(request, counters, risky=risky)
            payload = await self._hear(asked, request, risky=risky)
        except DeviceError as error:
            counters.count(error)
            raise
        resync = self._doubt_of_unit.get(request.unit_id, _NEVER) <= asked.doubts
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

    async def _ask(self, request: ReadRequest, counters: DriverCounters, *, risky: bool) -> _Asked:
        """Take the link and put a question on it, if its unit is to be asked now."""
        failed_connects = self._failed_connects
        await self._lock.acquire()
        try:
            if failed_connects != self._failed_connects:
                raise self._failure.again()  # it failed meanwhile: that answers for all who waited
            self._admit(request, risky=risky)
            connection = await self._ready(counters)
            answer = connection.ask(request)
        except BaseException:
            self._lock.release()
            raise
        counters.requests += 1
        return _Asked(doubts=self._doubts, at_s=_now_s(), answer=answer)

    def _admit(self, request: ReadRequest, *, risky: bool) -> None:
        """Raise where a unit is not to be asked now; where the link is known to be down, that says more."""
        try:
            self._admission.require(request.unit_id, _now_s(), risky=risky)
        except Demoted:
            if self._cut_off:
                raise self._failure.again() from None
            raise

    async def _hear(self, asked: _Asked, request: ReadRequest, *, risky: bool) -> bytes:
        """Wait for an answer and learn from what comes; the lock is free once the connection falls quiet."""
        try:
            payload = await asked.answered()
        except DeviceError as error:
            now_s = _now_s()
            quiet_s = self.prices.pause_s if isinstance(error, DeviceRefused) else self.prices.settle_s
            self.meter.busy(now_s - asked.at_s + quiet_s, now_s)
            self._admission.failed(request.unit_id, error, now_s, risky=risky)
            raise
        now_s = _now_s()
        self.meter.answered(len(payload) / 2, now_s - asked.at_s + self.prices.pause_s, now_s)
        self._admission.answered(request.unit_id)
        return payload

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
            self._cut_off = True
            self._failure = self._no_connection(error)
            raise self._failure from error
        self._connection = connection
        self._cut_off = False
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


def _differ(one: Cost, other: Cost) -> bool:
    """Tell whether two costs would join different blocks: by how many words a request is worth."""
    lesser, greater = sorted((one.request_words, other.request_words))
    return greater > _MUCH * lesser


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _connect_timeout_s(settings: ModbusLink) -> float:
    if isinstance(settings, ModbusRtuLink):
        return _OPEN_PORT_S
    return settings.connect_timeout / _SECOND_NS
