"""What the uplink does with answers that real brokers give rarely."""

from __future__ import annotations

import asyncio
import time

import pytest

from agent.uplinks import mqtt
from agent.uplinks.contract import UplinkDown, UplinkRefused, UplinkTakenOver
from tests.uplinks.contract_suite import message
from tests.uplinks.mqtt_platform import TOPIC, uplink_to
from tests.uplinks.scripted_broker import (
    ScriptedBroker,
    maximum_packet_size,
    maximum_qos,
    receive_maximum,
    retain_available,
)
from tests.uplinks.waiting import eventually


async def test_a_broker_that_accepts_tcp_and_says_nothing_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt, "CONNECT_TIMEOUT_S", 0.2)
    async with ScriptedBroker(connack=None) as broker:
        uplink = uplink_to(broker.port)
        begun = time.monotonic()
        with pytest.raises(UplinkDown, match="no answer"):
            await uplink.connect()
        assert time.monotonic() - begun < 1
        await uplink.close()


@pytest.mark.parametrize(
    ("reason", "words"), [(0x86, "wrong user name"), (0x87, "not authorised"), (0x8A, "we are banned")]
)
async def test_a_refused_connection_says_why(reason: int, words: str) -> None:
    async with ScriptedBroker(connack=reason) as broker:
        uplink = uplink_to(broker.port)
        with pytest.raises(UplinkDown, match=words):
            await uplink.connect()
        await uplink.close()


@pytest.mark.parametrize(("window", "maximum", "most"), [(3, 20, 3), (20, 4, 4), (20, 65535, 20)])
async def test_no_more_is_under_way_than_the_window_and_the_receive_maximum_allow(
    window: int, maximum: int, most: int
) -> None:
    async with ScriptedBroker(properties=receive_maximum(maximum), answer=lambda _: None) as broker:
        uplink = uplink_to(broker.port, window=window)
        await uplink.connect()
        sends = [asyncio.create_task(uplink.send(message(b"%d" % n))) for n in range(30)]
        for acknowledged in range(30):
            underway = min(30, acknowledged + most)
            await eventually(lambda wanted=underway: len(broker.received) == wanted)
            await asyncio.sleep(0.001)
            assert len(broker.received) == underway
            broker.acknowledge(broker.received[acknowledged].mid)
        await asyncio.gather(*sends)
        await uplink.close()


async def test_a_cancelled_send_keeps_its_place_in_the_window_until_it_is_acknowledged() -> None:
    async with ScriptedBroker(answer=lambda _: None) as broker:
        uplink = uplink_to(broker.port, window=1)
        await uplink.connect()
        first = asyncio.create_task(uplink.send(message(b"1")))
        await eventually(lambda: len(broker.received) == 1)
        first.cancel()
        second = asyncio.create_task(uplink.send(message(b"2")))
        await asyncio.sleep(0.01)
        assert len(broker.received) == 1
        broker.acknowledge(broker.received[0].mid)
        await eventually(lambda: len(broker.received) == 2)
        broker.acknowledge(broker.received[1].mid)
        await second
        await uplink.close()


@pytest.mark.parametrize(("reason", "accepted"), [(0x00, True), (0x10, True), (0x80, False), (0x87, False)])
async def test_only_a_reason_code_below_0x80_is_an_acknowledgement(reason: int, accepted: bool) -> None:
    """paho's own is_published() is True for all of them."""
    async with ScriptedBroker(answer=lambda _: reason) as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        if accepted:
            await uplink.send(message(b"x"))
        else:
            with pytest.raises(UplinkRefused, match="refused the message"):
                await uplink.send(message(b"x"))
        broker.answer = lambda _: 0
        await uplink.send(message(b"the next one passes"))
        await uplink.close()


async def test_a_message_over_the_maximum_packet_size_is_refused_and_never_sent() -> None:
    async with ScriptedBroker(properties=maximum_packet_size(200)) as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        room = 200 - len(f"{TOPIC}/readings") - 8
        await uplink.send(message(bytes(room - 2)))
        with pytest.raises(UplinkRefused, match="200"):
            await uplink.send(message(bytes(room + 1)))
        await uplink.send(message(b"small"))
        assert len(broker.received) == 2
        await uplink.close()


async def test_a_broker_without_qos_1_is_down_for_it_cannot_acknowledge() -> None:
    async with ScriptedBroker(properties=maximum_qos(0)) as broker:
        uplink = uplink_to(broker.port)
        with pytest.raises(UplinkDown, match="QoS 0"):
            await uplink.connect()
        await uplink.close()


async def test_nothing_is_retained_where_the_broker_forbids_it() -> None:
    async with ScriptedBroker(properties=retain_available(False)) as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        await uplink.send(message(b"here", "status", retain=True))
        assert [received.retain for received in broker.received] == [False]
        await uplink.close()


async def test_the_broker_s_reason_for_hanging_up_is_told() -> None:
    async with ScriptedBroker(answer=lambda _: None) as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        send = asyncio.create_task(uplink.send(message(b"x")))
        await eventually(lambda: bool(broker.received))
        broker.end(0x8E)
        assert "another client has connected" in str(await uplink.closed())
        with pytest.raises(UplinkTakenOver, match="another client has connected"):
            await send
        await uplink.close()


async def test_garbage_instead_of_mqtt_ends_the_connection() -> None:
    async with ScriptedBroker() as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        broker.say(b"\x00\x00")
        assert str(await uplink.closed()) == "the connection was lost"
        await uplink.close()


async def test_an_idle_connection_stays_alive_by_pings() -> None:
    async with ScriptedBroker() as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await uplink.closed()
        await uplink.send(message(b"still here"))
        await uplink.close()


async def test_paho_neither_reconnects_nor_resends_nor_queues() -> None:
    async with ScriptedBroker(answer=lambda _: None) as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        send = asyncio.create_task(uplink.send(message(b"x")))
        await eventually(lambda: bool(broker.received))
        broker.end(0x8B)
        with pytest.raises(UplinkDown):
            await send
        await asyncio.sleep(0.3)
        assert broker.connections == 1
        await uplink.close()
