"""One connection's worth of forwarding: from the platform's welcome until the connection is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent import journal
from agent.anchor import Anchor
from agent.clock import Clock
from agent.dictionary import Dictionary
from agent.platforms.confirmation import ConfirmationError
from agent.platforms.contract import Codec, Presence
from agent.uplinks.acks import AckRange, Acks
from agent.uplinks.contract import Message, Uplink, UplinkBusy, UplinkDown, UplinkRefused, UplinkTurnedAway
from agent.uplinks.feed import Feed
from agent.uplinks.lanes import Lanes, Taken
from agent.uplinks.parcels import Packer, Parcel
from agent.uplinks.poison import Key, Suspicion, key_of
from agent.uplinks.refusals import Refusals
from agent.uplinks.terms import Terms
from agent.uplinks.unconfirmed import Unconfirmed
from buffer.log import Log
from buffer.record import Record
from config.text import Text, text

STATUS_EVERY_S: Final = 60.0
TRUST_AFTER: Final = 20
"""Answers after which a connection that began carefully sends many records at once."""
CONFIRM_TURNS: Final = 4
"""How often within the time to confirm it is looked whether that has passed."""
REMINDERS_AT_ONCE: Final = 20
REMINDERS_PAUSE_S: Final = 0.01


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


class Session:
    """Forwards over one connected uplink; made new for every connection.

    `on_refused` is told of every record that went to quarantine. `away_s`: for how long there was no
    connection.
    """

    def __init__(
        self,
        name: str,
        uplink: Uplink,
        codec: Codec,
        log: Log,
        gateway: Gateway,
        terms: Terms,
        suspicion: Suspicion,
        refusals: Refusals,
        on_refused: Callable[[Text], None],
        *,
        away_s: float = 0.0,
    ) -> None:
        self._name = name
        self._uplink = uplink
        self._codec = codec
        self._log = log
        self._gateway = gateway
        self._suspicion = suspicion
        self._refusals = refusals
        refusals.connected()
        self._on_refused = on_refused
        self._feed = Feed(
            Lanes(log, name, refusals.knows),
            Packer(codec, log),
            terms,
            uplink.window,
            suspicion,
            refusals,
            self._more,
            self._put_aside,
            away_s=away_s,
        )
        if terms.replay_ns:
            self._feed.replay(gateway.anchor().utc_ns_of(gateway.clock.boot_ns()) - terms.replay_ns)
        self._acks = Acks(self._acknowledge)
        self._unconfirmed = None if terms.confirm_within_s is None else Unconfirmed(terms.confirm_within_s)
        self._stored = asyncio.Event()
        self._stored.set()
        self._now_s = asyncio.get_running_loop().time
        self._answered = 0
        self._trusted = asyncio.Event()
        self._under_way: dict[Key, Record] = {}
        self._last_sent_s = 0.0

    def wake(self) -> None:
        """Look for records: some were stored."""
        self._feed.refresh()
        self._stored.set()

    @property
    def in_flight(self) -> int:
        """How many records are under way."""
        return len(self._under_way)

    @property
    def unconfirmed(self) -> int:
        """How many records the broker has and the platform has not confirmed; 0 where it does not."""
        return 0 if self._unconfirmed is None else len(self._unconfirmed)

    @property
    def overdue_s(self) -> float:
        """For how long more than it should the platform has confirmed nothing; 0 where it is in time."""
        if self._unconfirmed is None:
            return 0.0
        return max(0.0, self._unconfirmed.silent_s(self._now_s()) - self._unconfirmed.within_s)

    @property
    def idle(self) -> bool:
        """Tell whether everything stored has left and was answered."""
        return self._feed.empty and not self._under_way and not self.unconfirmed

    async def run(self) -> None:
        """Forward until the connection is gone. Raises UplinkDown, always."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self._tell())
                if self._unconfirmed is not None:
                    group.create_task(self._listen(self._unconfirmed))
                    group.create_task(self._remind(self._unconfirmed))
                group.create_task(self._work())
                if self._suspicion.careful:
                    await self._trusted.wait()
                for _ in range(self._uplink.window - 1):
                    group.create_task(self._work())
        except* UplinkDown as failures:
            failure = _first(failures)
            if not isinstance(failure, UplinkBusy):
                after_s = self._now_s() - self._last_sent_s
                self._suspicion.ended(list(self._under_way.values()), after_s=after_s)
            raise failure from None
        finally:
            self._acks.flush()
            self._feed.close()

    def hurry(self) -> None:
        """Have nothing held back any more: the agent is about to leave."""
        self._uplink.hurry()

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
        self._feed.introduce(self._gateway.dictionary)

    def _more(self) -> None:
        self._stored.set()

    async def _watch(self) -> None:
        raise await self._uplink.closed()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY_S)
            await self._send(Parcel(message=self._status(online=True, reason="still_here")))

    async def _listen(self, unconfirmed: Unconfirmed) -> None:
        """Settle what the platform confirms; of what is no confirmation, say so once."""
        told = False
        while True:
            try:
                ranges = self._codec.confirmed(await self._uplink.heard())
            except ConfirmationError as error:
                if not told:
                    journal.warn(
                        text("a message on the ack topic says nothing"), uplink=self._name, cause=error
                    )
                told = True
                continue
            for record in unconfirmed.confirm(ranges, self._now_s()):
                self._acks.add(record)
            self._stored.set()

    async def _remind(self, unconfirmed: Unconfirmed) -> None:
        """Send again what the platform has not confirmed in time, or put it aside where that is of no use."""
        while True:
            await asyncio.sleep(unconfirmed.within_s / CONFIRM_TURNS)
            while late := unconfirmed.overdue(self._now_s())[:REMINDERS_AT_ONCE]:
                for taken in late:
                    self._send_again(taken, unconfirmed)
                self._stored.set()
                await asyncio.sleep(REMINDERS_PAUSE_S)

    def _send_again(self, taken: Taken, unconfirmed: Unconfirmed) -> None:
        if not unconfirmed.resend(taken):
            self._put_aside(taken, text("the platform never confirms this record"))
        elif not self._feed.prepare(taken._replace(backfill=True)):
            unconfirmed.put_off(taken, self._now_s())

    async def _work(self) -> None:
        """Send one thing after another; many of these run side by side, in the order of their sends."""
        while True:
            parcel = self._take()
            if parcel is None:
                self._stored.clear()
                await self._stored.wait()
            else:
                await self._send(parcel)

    def _take(self) -> Parcel | None:
        """Return what must leave next; None when there is nothing, or nothing yet.

        While too much waits to be confirmed, only what must be sent again.
        """
        return self._feed.next(nothing_new=self._unconfirmed is not None and self._unconfirmed.full)

    async def _send(self, parcel: Parcel) -> None:
        begun_s = self._now_s()
        if parcel.record is not None:
            self._under_way[key_of(parcel.record)] = parcel.record
            self._last_sent_s = begun_s
        if self._unconfirmed is not None and parcel.taken is not None:
            self._unconfirmed.add(parcel.taken, begun_s)
        try:
            await self._uplink.send(parcel.message)
        except UplinkRefused as error:
            self._on_refusal(parcel, error.words, begun_s)
        except UplinkBusy:
            self._answer(parcel, begun_s)
            raise
        else:
            self._answer(parcel, begun_s)
            if parcel.taken is not None:
                self._refusals.taken(parcel.taken.record.stream)
                self._on_delivered(parcel.taken)

    def _on_delivered(self, taken: Taken) -> None:
        """Settle a record, or have it wait for the platform's own word."""
        if self._unconfirmed is None:
            self._acks.add(taken.record)
        else:
            self._unconfirmed.left(taken.record, self._now_s())

    def _on_refusal(self, parcel: Parcel, why: Text, begun_s: float) -> None:
        """Put a refused record aside. Raises UplinkDown where the platform refuses whatever it is sent."""
        if parcel.taken is None:
            journal.warn(text("message refused"), uplink=self._name, kind=parcel.message.kind, cause=why)
            return
        self._answer(parcel, begun_s)
        if self._unconfirmed is not None:
            self._unconfirmed.drop(parcel.taken.record)
        self._put_aside(parcel.taken, why)
        self._refusals.remember(parcel.taken.record)
        if not parcel.taken.replay and self._refusals.refused(parcel.taken.record.stream):
            raise UplinkTurnedAway(why)
        self._more()

    def _answer(self, parcel: Parcel, begun_s: float) -> None:
        """Note that the platform answered."""
        if parcel.taken is None:
            return
        self._under_way.pop(key_of(parcel.taken.record), None)  # by then it may be under way twice
        self._answered += 1
        if self._answered == TRUST_AFTER:
            self._trusted.set()
        self._feed.answered(parcel.taken, self._now_s() - begun_s)

    def _put_aside(self, taken: Taken, why: Text) -> None:
        """Quarantine a record; one that was acknowledged before is only not sent again."""
        if not taken.replay:
            self._log.quarantine(self._name, taken.record, str(why))
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


def _first(failures: BaseExceptionGroup[UplinkDown]) -> UplinkDown:
    """Return one failure of a group: when a connection goes, everybody on it says the same."""
    found = failures.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
