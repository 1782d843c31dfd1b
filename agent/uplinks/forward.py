"""The forwarder of one uplink: keeps it connected for as long as the agent runs, and says when it is not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from agent import journal
from agent.platforms.contract import Codec
from agent.retry import Sleep, keep_connected
from agent.uplinks.contract import Message, Uplink, UplinkCut, UplinkDown, UplinkRefused, UplinkTakenOver
from agent.uplinks.poison import Suspicion
from agent.uplinks.refusals import Refusals
from agent.uplinks.session import Gateway, Session
from agent.uplinks.terms import Terms
from buffer.log import Log
from config.text import Text, text
from config.vocabulary import EventKind, Priority
from filters.event import Event

GOOD_SESSION_NS: Final = 10 * 10**9
RECENT_NS: Final = 600 * 10**9
_CUTS_KEPT: Final = 100
FAREWELL_S: Final = 1.0
DRAIN_TURN_S: Final = 0.02

MakeUplink = Callable[[Message], Uplink]
Notify = Callable[[Event, Text], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardState:
    """How an uplink stands, for `status`.

    `why`: why it is not connected, None while it is. `next_try_boot_ns`: when it is tried again, None while
    connected or just trying. `cut_off`: how often within RECENT_NS a connection that stood was cut without a
    word. `taken_over_boot_ns`: when somebody else last connected under our name within that time.
    `unconfirmed`: records that the broker has and the platform has not confirmed; `overdue_s`: for how long
    more than it should it has confirmed nothing.
    """

    connected: bool
    since_boot_ns: int
    why: Text | None
    next_try_boot_ns: int | None
    cut_off: int
    taken_over_boot_ns: int | None
    in_flight: int
    unconfirmed: int
    overdue_s: float
    refused: int


class Forwarder:
    """Forwards the log to one uplink. `wake()` it when records were stored.

    `make_uplink` gives a new connection, to be made with the last will that it is given. `notify` takes the
    events uplink_lost, uplink_restored and quarantined, with what there is to say about them.
    """

    def __init__(
        self,
        name: str,
        make_uplink: MakeUplink,
        codec: Codec,
        log: Log,
        gateway: Gateway,
        notify: Notify,
        terms: Terms,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._name = name
        self._make_uplink = make_uplink
        self._codec = codec
        self._log = log
        self._gateway = gateway
        self._notify = notify
        self._terms = terms
        self._sleep = sleep
        self._suspicion = Suspicion()
        self._refusals = Refusals(lambda: gateway.clock.boot_ns() / 1e9)
        self._session: Session | None = None
        self._since_boot_ns = gateway.clock.boot_ns()
        self._why: Text | None = None
        self._next_try_boot_ns: int | None = None
        self._cut_boot_ns: deque[int] = deque(maxlen=_CUTS_KEPT)
        self._taken_over_boot_ns = -RECENT_NS
        self._refused = 0

    @property
    def state(self) -> ForwardState:
        """How the uplink stands now."""
        session, recent_ns = self._session, self._gateway.clock.boot_ns() - RECENT_NS
        taken_over_ns = self._taken_over_boot_ns
        return ForwardState(
            connected=session is not None,
            since_boot_ns=self._since_boot_ns,
            why=self._why,
            next_try_boot_ns=self._next_try_boot_ns,
            cut_off=sum(cut_ns > recent_ns for cut_ns in self._cut_boot_ns),
            taken_over_boot_ns=taken_over_ns if taken_over_ns > recent_ns else None,
            in_flight=0 if session is None else session.in_flight,
            unconfirmed=0 if session is None else session.unconfirmed,
            overdue_s=0.0 if session is None else session.overdue_s,
            refused=self._refused,
        )

    @property
    def idle(self) -> bool:
        """Tell whether everything stored was delivered."""
        return self._session is not None and self._session.idle

    def wake(self) -> None:
        """Look for records: some were stored."""
        if self._session is not None:
            self._session.wake()

    async def drain(self, timeout_s: float) -> bool:
        """Wait until everything stored was delivered, for so long while connected; tell whether it was."""
        self.wake()
        if self._session is not None:
            self._session.hurry()
        try:
            async with asyncio.timeout(timeout_s):
                while self._session is not None and not self.idle:  # noqa: ASYNC110 - once, at stop
                    await asyncio.sleep(DRAIN_TURN_S)
        except TimeoutError:
            return False
        return self.idle

    async def run(self) -> None:
        """Forward until cancelled; then say goodbye to the platform, within two seconds."""
        await keep_connected(self._connection, Random(self._terms.seed), sleep=self._pause)

    async def _pause(self, duration_s: float) -> None:
        """Wait before the next attempt, and let `state` say when that is."""
        self._next_try_boot_ns = self._gateway.clock.boot_ns() + round(duration_s * 1e9)
        try:
            await self._sleep(duration_s)
        finally:
            self._next_try_boot_ns = None

    async def _connection(self) -> None:
        """Connect, forward, lose the connection. Raises UplinkDown unless it was a good one."""
        uplink = self._make_uplink(self._codec.last_will(self._gateway.run))
        try:
            await uplink.connect()
            await self._forward(uplink)
        except UplinkDown as error:
            good = self._session is not None and self._age_ns() >= GOOD_SESSION_NS
            self._lost(error)
            if not good:
                raise
        except asyncio.CancelledError:
            await self._farewell()
            raise
        finally:
            self._session = None
            await uplink.close()

    async def _forward(self, uplink: Uplink) -> None:
        session = Session(
            self._name,
            uplink,
            self._codec,
            self._log,
            self._gateway,
            self._terms,
            self._suspicion,
            self._refusals,
            self._on_refused,
            away_s=0.0 if self._why is None else self._age_ns() / 1e9,
        )
        await session.hello()
        self._restored(session)
        await session.run()

    async def _farewell(self) -> None:
        if self._session is None:
            return
        try:
            self._session.hurry()
            async with asyncio.timeout(FAREWELL_S):
                await self._session.farewell("stopped")
        except (UplinkDown, UplinkRefused, TimeoutError):
            journal.info(text("uplink left without goodbye"), uplink=self._name)

    def _restored(self, session: Session) -> None:
        self._session = session
        if self._why is not None:
            after_s = self._age_ns() // 10**9
            journal.info(text("uplink restored"), uplink=self._name, after_s=after_s)
            self._tell(EventKind.UPLINK_RESTORED, text("after {seconds} s", seconds=after_s))
        self._why = None
        self._since_boot_ns = self._gateway.clock.boot_ns()

    def _lost(self, error: UplinkDown) -> None:
        if isinstance(error, UplinkTakenOver):
            self._taken_over_boot_ns = self._gateway.clock.boot_ns()
        elif isinstance(error, UplinkCut) and self._session is not None:
            self._cut_boot_ns.append(self._gateway.clock.boot_ns())
        known, self._why = self._why, error.words
        if known is not None:
            return
        journal.warn(text("uplink lost"), uplink=self._name, cause=error.words)
        if self._session is not None:
            self._since_boot_ns = self._gateway.clock.boot_ns()
        self._tell(EventKind.UPLINK_LOST, error.words, since_boot_ns=self._since_boot_ns, cause=error.cause)

    def _on_refused(self, why: Text) -> None:
        self._refused += 1
        journal.warn(text("record refused"), uplink=self._name, cause=why)
        self._tell(EventKind.QUARANTINED, why)

    def _tell(
        self, kind: EventKind, detail: Text, *, since_boot_ns: int | None = None, **figures: str
    ) -> None:
        now = self._gateway.clock.boot_ns() if since_boot_ns is None else since_boot_ns
        priority = Priority.LOW if kind is EventKind.UPLINK_RESTORED else Priority.MEDIUM
        event = Event(
            kind=kind,
            rule=self._name,
            priority=priority,
            boot_ns=now,
            scan_boot_ns=now,
            figures=dict(figures),
        )
        self._notify(event, detail)

    def _age_ns(self) -> int:
        return self._gateway.clock.boot_ns() - self._since_boot_ns
