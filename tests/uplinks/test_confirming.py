"""A platform that confirms what it has persisted: only that settles a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.platforms.confirmation import pack_confirmation
from agent.receive.ledger import Ledger
from agent.receive.messages import Checker
from agent.uplinks.contract import UplinkDown
from agent.uplinks.terms import Terms
from config.vocabulary import EventKind, Stream
from tests.uplinks.mqtt_platform import uplink_to
from tests.uplinks.scripted_broker import Published, ScriptedBroker
from tests.uplinks.station import Station, forwarding
from tests.uplinks.waiting import eventually

ACKS = "platform/acks"
RUN = f"{1:016x}"
PATIENT, HASTY = Terms(confirm_within_s=60), Terms(confirm_within_s=0.05)


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


@contextmanager
def station(tmp_path: Path, broker: ScriptedBroker, terms: Terms, **more: Any) -> Iterator[Station]:
    made = Station(directory=tmp_path, port=broker.port, terms=terms, options={"ack_topic": ACKS}, **more)
    try:
        yield made
    finally:
        made.log.close()


def arrived(broker: ScriptedBroker) -> Counter[int]:
    """How often each number of the readings came."""
    contents = [orjson.loads(found.payload) for found in broker.received]
    return Counter(content["seq"] for content in contents if content["kind"] == "readings")


def confirm(broker: ScriptedBroker, first: int, last: int, stream: str = "readings") -> None:
    broker.tell(ACKS, pack_confirmation("enterprise", "gateway", [(RUN, stream, first, last)]))


async def test_a_puback_frees_the_window_and_only_the_platform_s_word_settles(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker, PATIENT) as gateway:
        gateway.read(*([n, n, n] for n in range(100)))
        async with forwarding(gateway):
            await eventually(lambda: len(arrived(broker)) == 100)
            assert broker.subscriptions == [ACKS]
            assert gateway.backlog == 100
            assert gateway.forwarder.state.unconfirmed == 100
            confirm(broker, 11, 60)
            await eventually(lambda: gateway.backlog == 50)
            confirm(broker, 1, 100)
            await eventually(lambda: gateway.backlog == 0)
            assert gateway.forwarder.idle
        balance = gateway.log.ledger().balances["province"][Stream.READINGS]
        assert balance.recorded == balance.delivered == (100, 300)
        assert arrived(broker) == dict.fromkeys(range(1, 101), 1)


async def test_what_is_not_confirmed_in_time_is_sent_again_under_the_same_key(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker, HASTY) as gateway:
        gateway.read(*([n, n, n] for n in range(10)))
        async with forwarding(gateway):
            await eventually(lambda: len(arrived(broker)) == 10)
            confirm(broker, 1, 9)
            await eventually(lambda: arrived(broker)[10] >= 3)
            confirm(broker, 10, 10)
            await eventually(lambda: not gateway.backlog)
        assert broker.connections == 1
        book, checker = Ledger(from_start=True), Checker()
        for message in broker.received:
            book.enter(checker.check(message.payload))
        assert book.summary()["faults"] == 0
        assert book.totals().duplicates >= 2


async def test_a_record_that_is_never_confirmed_goes_to_quarantine_and_the_rest_goes_on(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    def persist(message: Published) -> int:
        content = orjson.loads(message.payload)
        if content["kind"] == "readings" and content["seq"] != 4:
            confirm(broker, content["seq"], content["seq"])
        return 0

    broker.answer = persist
    with station(tmp_path, broker, HASTY) as gateway:
        gateway.read(*([n, n, n] for n in range(8)))
        async with forwarding(gateway):
            await eventually(lambda: arrived(broker)[4] >= 3)
            while gateway.backlog:
                gateway.read([1, 2, 3])
                seen = len(arrived(broker))
                await eventually(lambda seen=seen: len(arrived(broker)) > seen or not gateway.backlog)
        balance = gateway.log.ledger().balances["province"][Stream.READINGS]
        assert balance.quarantined.records == 1
        assert balance.recorded.records == balance.delivered.records + 1
        told = [str(words) for kind, words in gateway.happenings if kind is EventKind.QUARANTINED]
        assert told == ["the platform never confirms this record"]


async def test_a_platform_that_confirms_nothing_is_not_flooded(
    tmp_path: Path, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.uplinks.unconfirmed.MOST_RECORDS", 30)
    with station(tmp_path, broker, PATIENT) as gateway:
        gateway.read(*([n, n, n] for n in range(100)))
        async with forwarding(gateway):
            await eventually(lambda: gateway.forwarder.state.unconfirmed >= 30)
            assert len(arrived(broker)) <= 30 + 20
            await eventually(lambda: confirm(broker, 1, 100) or not gateway.backlog)


async def test_a_broker_that_lost_all_that_waits_gets_it_again_although_nothing_more_may_wait(
    tmp_path: Path, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.uplinks.unconfirmed.MOST_RECORDS", 30)

    def persist(message: Published) -> int:
        content = orjson.loads(message.payload)
        if content["kind"] == "readings" and (content["seq"] > 30 or arrived(broker)[content["seq"]] > 1):
            confirm(broker, content["seq"], content["seq"])
        return 0

    broker.answer = persist
    with station(tmp_path, broker, HASTY) as gateway:
        gateway.read(*([n, n, n] for n in range(60)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        balance = gateway.log.ledger().balances["province"][Stream.READINGS]
        assert balance.delivered.records == 60
        assert broker.connections == 1


async def test_what_was_confirmed_to_nobody_is_sent_on_the_next_connection(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker, PATIENT) as gateway:
        gateway.read(*([n, n, n] for n in range(5)))
        async with forwarding(gateway):
            await eventually(lambda: len(arrived(broker)) == 5)
            confirm(broker, 1, 2)
            await eventually(lambda: gateway.backlog == 3)
            broker.end(0x8B)
            await eventually(lambda: arrived(broker)[5] == 2)
            assert arrived(broker)[1] == arrived(broker)[2] == 1
            confirm(broker, 3, 5)
            await eventually(lambda: not gateway.backlog)


async def test_nothing_else_on_the_topic_is_believed(tmp_path: Path, broker: ScriptedBroker) -> None:
    with station(tmp_path, broker, PATIENT) as gateway:
        gateway.read([1, 2, 3])
        async with forwarding(gateway):
            await eventually(lambda: len(arrived(broker)) == 1)
            broker.tell(ACKS, b"\xff{")
            broker.tell(ACKS, bytes(100_000))
            broker.tell(ACKS, pack_confirmation("enterprise", "other", [(RUN, "readings", 1, 1)]))
            right = pack_confirmation("enterprise", "gateway", [(RUN, "readings", 1, 1)])
            broker.tell(ACKS, right, retain=True)
            broker.tell(ACKS, pack_confirmation("enterprise", "gateway", [(RUN, "events", 1, 1)]))
            gateway.read([4, 5, 6])
            await eventually(lambda: len(arrived(broker)) == 2)
            assert gateway.backlog == 2
            broker.tell(ACKS, right)
            await eventually(lambda: gateway.backlog == 1)


async def test_a_broker_that_refuses_the_subscription_is_down(broker: ScriptedBroker) -> None:
    broker.suback = 0x87
    uplink = uplink_to(broker.port, ack_topic=ACKS)
    with pytest.raises(UplinkDown, match="refused the subscription: not authorised"):
        await uplink.connect()
    await uplink.close()
