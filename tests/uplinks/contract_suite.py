"""What every uplink must do, against a real platform: subclass `UplinkContract` and give it a `platform`.

`AnsweringContract` and `ConversationContract` have what is asked besides where a platform answers, and where
it stays connected.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, suppress

import pytest

from agent.simulate.relay import relaying
from agent.uplinks.contract import Message, Uplink, UplinkCut, UplinkDown
from tests.brokers import Broker
from tests.uplinks.observer import Observer
from tests.uplinks.waiting import eventually

SILENCE_S = 2.0
"""Twice the keepalive of the uplinks under test: the longest time in which a dead platform may look alive."""
SLACK_S = 1.0


class Platform(ABC):
    """A real platform on this machine: uplinks to it, and what it delivers to others."""

    @abstractmethod
    def uplink(self) -> Uplink:
        """Return an uplink that has not connected."""

    @abstractmethod
    def observing(self) -> AbstractContextManager[Observer]:
        """Watch what is delivered while inside."""

    @abstractmethod
    def hold(self) -> None:
        """Acknowledge nothing more, if it can be stopped from that."""

    @abstractmethod
    def go(self) -> None:
        """Be gone from one moment to the next."""

    @abstractmethod
    def come_back(self) -> None:
        """Be there again."""


class PeerPlatform(Platform):
    """A platform that is a process and answers; it can be frozen."""

    broker: Broker

    @abstractmethod
    def uplink(self, *, will: bytes = b"gone", port: int | None = None) -> Uplink:
        """Return an uplink that has not connected; `port`: where not the platform's own.

        `will`: what the platform tells others when the connection breaks, if it can.
        """

    def hold(self) -> None:
        self.broker.freeze()

    def go(self) -> None:
        self.broker.kill()

    def come_back(self) -> None:
        self.broker.start()


def message(payload: bytes, kind: str = "readings", *, retain: bool = False) -> Message:
    return Message(kind=kind, payload=payload, retain=retain)


def numbered(count: int) -> list[bytes]:
    return [b"%06d" % number for number in range(count)]


class UplinkContract:
    """The suite."""

    async def test_an_acknowledged_message_is_with_the_platform(self, platform: Platform) -> None:
        uplink = platform.uplink()
        with platform.observing() as observer:
            await uplink.connect()
            await uplink.send(message("读数 \x00".encode()))
            await eventually(lambda: observer.payloads("readings") == ["读数 \x00".encode()])
            await uplink.close()

    async def test_a_message_that_nobody_listens_to_is_acknowledged(self, platform: Platform) -> None:
        uplink = platform.uplink()
        await uplink.connect()
        await uplink.send(message(b"to nobody"))
        await uplink.close()

    async def test_messages_leave_in_the_order_of_the_calls(self, platform: Platform) -> None:
        uplink = platform.uplink()
        with platform.observing() as observer:
            await uplink.connect()
            await asyncio.gather(*(uplink.send(message(payload)) for payload in numbered(500)))
            await eventually(lambda: len(observer.seen) == 500)
            await uplink.close()
        assert observer.payloads("readings") == numbered(500)

    async def test_a_retained_message_waits_for_those_who_come_later(self, platform: Platform) -> None:
        uplink = platform.uplink()
        await uplink.connect()
        await uplink.send(message(b"here", "status", retain=True))
        with platform.observing() as observer:
            await eventually(lambda: observer.seen == [("status", b"here", True)])
        await uplink.close()

    async def test_nobody_there_is_named_and_quick(self, platform: Platform) -> None:
        platform.go()
        uplink = platform.uplink()
        begun = time.monotonic()
        with pytest.raises(UplinkDown, match=r"no connection|cannot be used"):
            await uplink.connect()
        assert time.monotonic() - begun < SLACK_S
        await uplink.close()

    async def test_a_platform_that_goes_fails_every_send_that_waits(self, platform: Platform) -> None:
        uplink = platform.uplink()
        await uplink.connect()
        platform.hold()
        sends = [asyncio.create_task(uplink.send(message(payload))) for payload in numbered(100)]
        await asyncio.sleep(0)
        platform.go()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} in ({UplinkDown}, {UplinkCut})
        assert str(await uplink.closed())
        with pytest.raises(UplinkDown):
            await uplink.send(message(b"too late"))
        await uplink.close()

    async def test_what_a_platform_that_went_had_not_acknowledged_arrives_when_it_is_back(
        self, platform: Platform
    ) -> None:
        """What it had acknowledged and not passed on is lost by the broker: PUBACK is not delivery."""
        left = numbered(2_000)
        uplink = platform.uplink()
        delivery = asyncio.create_task(deliver(uplink, left))
        await eventually(lambda: len(left) < 1_500)
        platform.go()
        with pytest.raises(UplinkDown):
            await delivery
        unacknowledged = set(left)
        assert unacknowledged >= set(numbered(2_000)[2_000 - len(left) + uplink.window :])
        platform.come_back()
        with platform.observing() as observer:
            await deliver(platform.uplink(), left)
            await eventually(lambda: set(observer.payloads("readings")) == unacknowledged)

    async def test_an_uplink_may_be_closed_at_any_time_and_twice(self, platform: Platform) -> None:
        fresh = platform.uplink()
        await fresh.close()
        connecting = platform.uplink()
        attempt = asyncio.create_task(connecting.connect())
        await asyncio.sleep(0)
        attempt.cancel()
        with suppress(asyncio.CancelledError):
            await attempt
        await connecting.close()
        await connecting.close()

    async def test_a_cancelled_send_disturbs_no_other(self, platform: Platform) -> None:
        uplink = platform.uplink()
        with platform.observing() as observer:
            await uplink.connect()
            sends = [asyncio.create_task(uplink.send(message(payload))) for payload in numbered(60)]
            await asyncio.sleep(0)
            for send in sends[::2]:
                send.cancel()
            await asyncio.gather(*sends, return_exceptions=True)
            await eventually(lambda: set(observer.payloads("readings")) >= set(numbered(60)[1::2]))
            await uplink.close()


class AnsweringContract(UplinkContract):
    """The suite of an uplink whose platform answers, and may stop to."""

    async def test_a_frozen_platform_is_noticed_by_what_it_leaves_unanswered(
        self, platform: PeerPlatform
    ) -> None:
        uplink = platform.uplink()
        await uplink.connect()
        platform.broker.freeze()
        begun = time.monotonic()
        with pytest.raises(UplinkDown):
            await uplink.send(message(b"into the void"))
        assert time.monotonic() - begun < SILENCE_S + SLACK_S
        await uplink.close()

    async def test_closing_is_quick_even_when_the_platform_takes_nothing_more(
        self, platform: PeerPlatform
    ) -> None:
        uplink = platform.uplink()
        await uplink.connect()
        platform.broker.freeze()
        sends = [asyncio.create_task(uplink.send(message(bytes(900_000)))) for _ in range(20)]
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await uplink.close()
        assert time.monotonic() - begun < 1 + SLACK_S
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {UplinkDown}


class ConversationContract(AnsweringContract):
    """The suite of an uplink that stays connected, and whose platform tells others when it breaks."""

    async def test_the_last_will_is_published_when_the_connection_breaks_and_only_then(
        self, platform: PeerPlatform
    ) -> None:
        async with relaying(platform.broker.port) as line:
            orderly, broken = platform.uplink(will=b"wrong"), platform.uplink(will=b"right", port=line.port)
            with platform.observing() as observer:
                await orderly.connect()
                await orderly.send(message(b"x"))
                await orderly.close()
                await broken.connect()
                line.cut()
                assert str(await broken.closed())
                await broken.close()
                await eventually(lambda: observer.payloads("status") == [b"right"])

    async def test_a_frozen_platform_is_noticed_when_nothing_is_sent(self, platform: PeerPlatform) -> None:
        uplink = platform.uplink()
        await uplink.connect()
        platform.broker.freeze()
        begun = time.monotonic()
        await uplink.closed()
        assert time.monotonic() - begun < SILENCE_S + SLACK_S
        await uplink.close()


async def deliver(uplink: Uplink, left: list[bytes]) -> None:
    """Send what is left, as many at a time as may be, taking out what is acknowledged. Raises UplinkDown."""
    waiting = iter(list(left))

    async def work() -> None:
        for payload in waiting:
            await uplink.send(message(payload))
            left.remove(payload)

    try:
        await uplink.connect()
        async with asyncio.TaskGroup() as group:
            for _ in range(uplink.window):
                group.create_task(work())
    except* UplinkDown as failures:
        raise UplinkDown(failures.exceptions[0].args[0]) from failures
    finally:
        await uplink.close()
