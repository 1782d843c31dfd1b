"""One connection's worth of forwarding: from the broker's welcome until the connection is gone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agent import journal
from agent.anchor import Anchor, unpack_anchor
from agent.bodies import RecordError
from agent.clock import Clock
from agent.dictionary import Dictionary, unpack_tags
from agent.platforms.contract import Codec, Presence
from agent.uplinks.acks import AckRange, Acks
from agent.uplinks.contract import Message, Uplink, UplinkBusy, UplinkDown, UplinkRefused, UplinkTurnedAway
from agent.uplinks.lanes import Lanes
from agent.uplinks.pace import Pace
from agent.uplinks.poison import Key, Suspicion, key_of
from buffer.log import Log
from buffer.record import Record
from config.text import Text, text
from config.vocabulary import RecordKind, Stream

IN_FLIGHT: Final = 20
STATUS_EVERY_S: Final = 60.0
REFUSALS_IN_A_ROW: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What forwarding needs of the running agent.

    `dictionary`: of this run. `anchor` gives the newest. `volatile`: the log is in RAM, nothing is stored.
    """

    run: int
    clock: Clock
    dictionary: Dictionary
    anchor: Callable[[], Anchor]
    volatile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """A message, and the record that is settled when it is acknowledged."""

    message: Message
    record: Record | None


class Session:
    """Forwards over one connected uplink; made new for every connection.

    `on_refused` is told of every record that went to quarantine.
    """

    def __init__(
        self,
        name: str,
        uplink: Uplink,
        codec: Codec,
        log: Log,
        gateway: Gateway,
        suspicion: Suspicion,
        on_refused: Callable[[Text], None],
    ) -> None:
        self._name = name
        self._uplink = uplink
        self._codec = codec
        self._log = log
        self._gateway = gateway
        self._suspicion = suspicion
        self._on_refused = on_refused
        self._lanes = Lanes(log, name)
        self._acks = Acks(self._acknowledge)
        self._stored = asyncio.Event()
        self._stored.set()
        self._metas: set[str] = set()
        self._ready: deque[_Parcel] = deque()
        self._pace = Pace(asyncio.get_running_loop().time)
        self._resume: asyncio.TimerHandle | None = None
        self._refusals = 0
        self._answered = 0
        self._trusted = asyncio.Event()
        self._under_way: dict[Key, Record] = {}
        self._last_sent_s = 0.0

    def wake(self) -> None:
        """Look for records: some were stored."""
        self._lanes.refresh()
        self._stored.set()

    @property
    def in_flight(self) -> int:
        """How many records are under way."""
        return len(self._under_way)

    @property
    def idle(self) -> bool:
        """Tell whether everything stored has left and was answered."""
        return self._lanes.empty and not self._under_way and not self._ready

    async def run(self) -> None:
        """Forward until the connection is gone. Raises UplinkDown, always."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self._tell())
                group.create_task(self._work())
                if self._suspicion.careful:
                    await self._trusted.wait()
                for _ in range(IN_FLIGHT - 1):
                    group.create_task(self._work())
        except* UplinkDown as failures:
            after_s = asyncio.get_running_loop().time() - self._last_sent_s
            self._suspicion.ended(list(self._under_way.values()), after_s=after_s)
            raise _first(failures) from None
        finally:
            self._acks.flush()
            if self._resume is not None:
                self._resume.cancel()

    async def farewell(self, reason: str) -> None:
        """Tell the platform that the gateway goes. Raises UplinkDown, UplinkRefused."""
        await self._uplink.send(self._status(online=False, reason=reason))

    async def hello(self) -> None:
        """Show presence, and have the dictionary go first. Raises UplinkDown.

        A platform that refuses even the presence would refuse everything: it is down, not choosy.
        """
        try:
            await self._uplink.send(self._status(online=True, reason="connected"))
        except UplinkRefused as error:
            raise UplinkTurnedAway(error.words) from error
        self._ready.extend(self._introduce(self._gateway.dictionary, current=True))

    async def _watch(self) -> None:
        raise UplinkDown(await self._uplink.closed())

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY_S)
            status = self._status(online=True, reason="still_here")
            await self._send(_Parcel(message=status, record=None))

    async def _work(self) -> None:
        """Send one thing after another; many of these run side by side, in the order of their sends."""
        while True:
            parcel = self._take()
            if parcel is None:
                self._stored.clear()
                await self._stored.wait()
            else:
                await self._send(parcel)

    def _take(self) -> _Parcel | None:
        """Return what must leave next; None when there is nothing, or nothing yet."""
        while not self._ready:
            pause_s = self._pace.wait_s
            found = self._lanes.next(paused=pause_s > 0)
            if found is None:
                self._resume_after(pause_s)
                return None
            self._prepare(*found)
        return self._ready.popleft()

    def _resume_after(self, pause_s: float) -> None:
        """Have the workers look again when backfill may go on."""
        if pause_s and self._resume is None:
            self._resume = asyncio.get_running_loop().call_later(pause_s, self._on_resume)

    def _on_resume(self) -> None:
        self._resume = None
        self._stored.set()

    def _prepare(self, record: Record, backfill: bool) -> None:
        """Make a record ready to leave, or put it aside."""
        if self._suspicion.condemned(record):
            self._put_aside(record, text("the platform hangs up whenever it is sent this record"))
            return
        try:
            parcels = list(self._wrap(record, backfill))
        except RecordError as error:
            self._put_aside(record, text("the record cannot be read: {error}", error=str(error)))
            return
        self._ready.extend(parcels)
        if backfill and record.stream is Stream.READINGS:
            self._pace.spend(len(parcels[-1].message.payload))

    def _wrap(self, record: Record, backfill: bool) -> Iterator[_Parcel]:
        """Yield a record as a message, after the dictionary if this connection has not seen it."""
        preamble = self._log.preamble_of(record)
        tags, anchor = preamble.get(RecordKind.TAGS), preamble.get(RecordKind.ANCHOR)
        dictionary = None if tags is None else _unpack_tags(tags)
        dated = None if anchor is None else _unpack_anchor(anchor)
        message = self._codec.encode(record, dictionary, dated, backfill=backfill)
        if dictionary is not None and dictionary.meta not in self._metas:
            yield from self._introduce(dictionary, current=False)
        yield _Parcel(message=message, record=record)

    def _introduce(self, dictionary: Dictionary, *, current: bool) -> Iterator[_Parcel]:
        self._metas.add(dictionary.meta)
        for meta in self._codec.meta(dictionary, current=current):
            yield _Parcel(message=meta, record=None)

    async def _send(self, parcel: _Parcel) -> None:
        record = parcel.record
        if record is not None:
            self._under_way[key_of(record)] = record
            self._last_sent_s = asyncio.get_running_loop().time()
        try:
            await self._uplink.send(parcel.message)
        except UplinkRefused as error:
            self._on_refusal(parcel, error.words)
        except UplinkBusy:
            self._answer(record)
            raise
        else:
            self._answer(record)
            if record is not None:
                self._refusals = 0
                self._acks.add(record)

    def _on_refusal(self, parcel: _Parcel, why: Text) -> None:
        """Put a refused record aside. Raises UplinkDown where the platform refuses one after another."""
        if parcel.record is None:
            journal.warn(text("message refused"), uplink=self._name, kind=parcel.message.kind, cause=why)
            return
        self._answer(parcel.record)
        self._put_aside(parcel.record, why)
        self._refusals += 1
        if self._refusals >= REFUSALS_IN_A_ROW:
            raise UplinkTurnedAway(why)

    def _answer(self, record: Record | None) -> None:
        """Note that the platform answered."""
        if record is None:
            return
        del self._under_way[key_of(record)]
        self._answered += 1
        if self._answered == IN_FLIGHT:
            self._trusted.set()

    def _put_aside(self, record: Record, why: Text) -> None:
        self._log.quarantine(self._name, record, str(why))
        self._on_refused(why)

    def _acknowledge(self, found: AckRange) -> None:
        self._log.acknowledge(self._name, found.stream, found.run, found.first, found.last, found.readings)

    def _status(self, *, online: bool, reason: str) -> Message:
        return self._codec.status(
            Presence(
                run=self._gateway.run,
                online=online,
                reason=reason,
                boot_ns=self._gateway.clock.boot_ns(),
                anchor=self._gateway.anchor(),
                balances=self._log.ledger().balances[self._name],
            )
        )


_unpack_tags = lru_cache(maxsize=8)(unpack_tags)
_unpack_anchor = lru_cache(maxsize=64)(unpack_anchor)


def _first(failures: BaseExceptionGroup[UplinkDown]) -> UplinkDown:
    """Return one failure of a group: when a connection goes, everybody on it says the same."""
    found = failures.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
