"""However long a server may keep silent, no value is Good beyond `stale_after` without a sign of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from asyncua import ua

from config.address import NodeAddress, parse_node_id
from config.tags import Deadband
from config.text import text
from config.vocabulary import GOOD
from drivers.contract import DeviceTimeout, DriverCounters
from drivers.opcua.subscription import Subscription
from drivers.opcua.terms import Item, Terms
from tests.drivers.virtual_loop import run_virtually

STALE_S = 3
TIMEOUT_S = 1
TERMS = Terms(
    items=[
        Item(
            address=parse_node_id("ns=2;s=x"),
            is_text=False,
            sampling_ns=5 * 10**8,
            queue=1,
            deadband=Deadband(),
        )
    ],
    publishing_ns=5 * 10**8,
    stale_ns=STALE_S * 10**9,
    timeout_ns=TIMEOUT_S * 10**9,
)


@dataclass
class Server:
    """A session with a server that tells nothing; it answers questions until it freezes."""

    frozen: bool = False
    url: str = "opc.tcp://x"
    publisher: object = field(
        default_factory=lambda: SimpleNamespace(check=lambda: None, add=lambda *_: None)
    )
    most_items: int = 500
    items_left: int = 10
    subscriptions_left: int = 1
    reads: int = 0

    def resolve(self, addresses: Sequence[NodeAddress]) -> object:
        return SimpleNamespace(nodes=addresses, requests=[addresses])

    async def keep_channel(self) -> None:
        pass

    async def read(self, wanted: object) -> None:
        self.reads += 1
        if self.frozen:
            await asyncio.sleep(TIMEOUT_S)
            raise DeviceTimeout(text("no answer"))


def subscribed(server: Server, interval_ms: float, keep_alives: int) -> Subscription:
    """Return a view whose subscription the server has revised so."""
    view = Subscription(server, TERMS, DriverCounters())  # type: ignore[arg-type]
    view._rest_at = []
    view._begun = True
    view._known.values[0] = 1.0
    view._listen(
        ua.CreateSubscriptionResult(
            SubscriptionId=1,
            RevisedPublishingInterval=interval_ms,
            RevisedMaxKeepAliveCount=keep_alives,
            RevisedLifetimeCount=1000,
        )
    )
    return view


async def good_for(view: Subscription, most_s: int) -> int:
    """Scan once a second; return for how many seconds the value is Good."""
    for second in range(most_s):
        try:
            if (await view.scan()).quality[0] != GOOD:
                return second
        except DeviceTimeout:
            return second
        await asyncio.sleep(1)
    return most_s


@pytest.mark.parametrize(("interval_ms", "keep_alives"), [(1000, 300), (1000, 3), (60_000, 10), (500, 3)])
def test_a_frozen_server_has_no_good_values_for_longer_than_stale_after(
    interval_ms: float, keep_alives: int
) -> None:
    async def story() -> None:
        view = subscribed(Server(frozen=True), interval_ms, keep_alives)
        assert await good_for(view, 1000) <= STALE_S + 1

    run_virtually(story())


def test_a_server_that_need_not_say_anything_is_asked_for_a_sign_of_life() -> None:
    async def story() -> None:
        server = Server()
        assert await good_for(subscribed(server, 1000, 300), 250) == 250
        assert server.reads <= 250 / (STALE_S / 2)

    run_virtually(story())


def test_answers_do_not_stand_for_a_subscription_that_says_nothing_at_all() -> None:
    async def story() -> None:
        assert await good_for(subscribed(Server(), 1000, 300), 1000) <= 300 + TIMEOUT_S + 1

    run_virtually(story())


def test_who_keeps_the_keep_alive_that_was_asked_for_is_asked_nothing() -> None:
    async def story() -> None:
        server = Server()
        view = subscribed(server, 500, 3)
        hear: Callable[[ua.NotificationMessage], None] = view._take
        for _ in range(100):
            hear(ua.NotificationMessage())
            assert await good_for(view, 1) == 1
        assert server.reads == 0

    run_virtually(story())
