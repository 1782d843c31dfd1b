from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.anchor import pack_anchor as pack
from agent.receive.ledger import Ledger
from agent.receive.messages import Checker
from agent.receive.schema import fault_of
from agent.uplinks import session
from agent.uplinks.refusals import IN_A_ROW
from buffer.ledger import Balance
from config.vocabulary import EventKind, RecordKind, Stream
from tests.brokers import iotcore
from tests.uplinks.observer import observing
from tests.uplinks.scripted_broker import Published, ScriptedBroker, maximum_packet_size
from tests.uplinks.station import TOPIC, Station, forwarding
from tests.uplinks.waiting import eventually


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


@contextmanager
def station(tmp_path: Path, broker: ScriptedBroker, **more: Any) -> Iterator[Station]:
    made = Station(directory=tmp_path, port=broker.port, **more)
    try:
        yield made
    finally:
        made.log.close()


def contents(broker: ScriptedBroker, kind: str = "") -> list[dict[str, Any]]:
    """What the broker received, oldest first."""
    return [
        orjson.loads(message.payload)
        for message in broker.received
        if not kind or message.topic.removeprefix(f"{TOPIC}/").startswith(kind)
    ]


def balance_of(gateway: Station) -> Balance:
    return gateway.log.ledger().balances["province"][Stream.READINGS]


def keys(broker: ScriptedBroker, kind: str = "readings") -> list[tuple[str, int]]:
    return [(content["run"], content["seq"]) for content in contents(broker, kind)]


async def test_presence_and_dictionary_come_before_the_first_reading(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker) as gateway:
        gateway.read([1, 2, 3])
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        kinds = [content["kind"] for content in contents(broker)]
        assert kinds == ["status", "meta", "readings", "status"]
        assert [content["state"] for content in contents(broker, "status")] == ["online", "offline"]
        assert contents(broker, "meta")[0]["meta"] == contents(broker, "readings")[0]["meta"]
        assert [message.retain for message in broker.received] == [True, True, False, True]
        await eventually(lambda: broker.goodbyes == 1)


async def test_presence_with_the_ledger_is_shown_again_and_again(
    tmp_path: Path, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "STATUS_EVERY_S", 0.02)
    with station(tmp_path, broker) as gateway:
        gateway.read([1, 2, 3], [4, 5, 6])
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
            known = len(broker.received)
            await eventually(lambda: len(broker.received) >= known + 2)
        newest = contents(broker, "status")[-2]
    assert (newest["state"], newest["reason"]) == ("online", "still_here")
    ledger = newest["ledger"]["readings"]
    assert ledger["recorded"] == ledger["delivered"] == {"records": 2, "readings": 6}
    assert ledger["backlog"] == ledger["quarantined"] == {"records": 0, "readings": 0}
    assert fault_of("status", newest) is None


async def test_events_leave_before_live_readings_and_those_before_backfill(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    held: list[Published] = []

    def hold(message: Published) -> int | None:
        if message.topic.endswith(("status", "meta")):
            return 0
        held.append(message)
        return None

    broker.answer = hold
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(60)))
        gateway.log.sync(5)
        async with forwarding(gateway):
            await eventually(lambda: len(held) == 2)
            gateway.read([100, 100, 100])
            gateway.tell(EventKind.CLOCK_STEP)
            gateway.log.sync(5)
            broker.answer = lambda _: 0
            for message in held:
                broker.acknowledge(message.mid)
            await eventually(lambda: not gateway.backlog)
        found = [content for content in contents(broker) if "seq" in content]
        order = [(content["kind"], content["backfill"], content["seq"]) for content in found]
        assert order[2:4] == [("event", False, 1), ("readings", False, 61)]
        assert order[:2] + order[4:] == [("readings", True, seq) for seq in range(1, 61)]


async def test_nothing_is_missing_or_changed_however_often_the_connection_breaks(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker) as gateway:
        async with forwarding(gateway):
            for turn in range(12):
                gateway.read(*([turn, n, n] for n in range(40)))
                gateway.tell(EventKind.CLOCK_STEP, turn=turn)
                wanted = len(broker.received) + 25
                await eventually(lambda wanted=wanted: len(broker.received) >= wanted or not gateway.backlog)
                broker.end(0x8B)
            await eventually(lambda: not gateway.backlog)
        ledger, checker = Ledger(from_start=True), Checker()
        for message in broker.received:
            ledger.enter(checker.check(message.payload))
        summary = ledger.summary()
        assert summary["faults"] == 0
        assert summary["gateways"]["enterprise/gateway"]["readings"] == 12 * 40 * 3
        assert broker.connections >= 12


async def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.connack = 0x88
    with station(tmp_path, broker) as gateway:
        async with forwarding(gateway):
            await eventually(lambda: broker.connections >= 4)
            assert [kind for kind, _ in gateway.happenings] == [EventKind.UPLINK_LOST]
            assert "it is not available" in str(gateway.happenings[0][1])
            assert not gateway.forwarder.state.connected
            broker.connack = 0
            await eventually(lambda: gateway.forwarder.state.connected)
        assert [kind for kind, _ in gateway.happenings] == [EventKind.UPLINK_LOST, EventKind.UPLINK_RESTORED]


async def test_a_refused_record_goes_to_quarantine_and_the_rest_goes_on(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.answer = lambda message: 0x99 if orjson.loads(message.payload).get("seq") == 2 else 0
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(5)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        balance = balance_of(gateway)
        assert (balance.delivered, balance.quarantined) == ((4, 12), (1, 3))
        assert [kind for kind, _ in gateway.happenings] == [EventKind.QUARANTINED]
        assert "the payload is not" in str(gateway.happenings[0][1])


async def test_a_refused_record_can_be_sent_again_once_the_platform_takes_it(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.answer = lambda message: 0x99 if orjson.loads(message.payload).get("seq") == 2 else 0
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(5)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
            broker.answer = lambda _message: 0
            (key,) = gateway.log.asides.keys("province")
            gateway.log.asides.resend("province", key)
            gateway.wake()
            await eventually(lambda: balance_of(gateway).delivered == (5, 15))
        assert balance_of(gateway).quarantined == (0, 0)
        assert keys(broker)[-1] == (f"{1:016x}", 2)


async def test_a_record_larger_than_the_broker_takes_goes_to_quarantine_unsent(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.properties = maximum_packet_size(20_000)
    with station(tmp_path, broker, width=1500) as gateway:
        gateway.read([0.1] * 1500, [1.0] * 3)
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        assert keys(broker) == [(f"{1:016x}", 2)]
        assert balance_of(gateway).quarantined.records == 1


async def test_a_body_that_cannot_be_read_goes_to_quarantine(tmp_path: Path, broker: ScriptedBroker) -> None:
    with station(tmp_path, broker) as gateway:
        gateway.append(Stream.READINGS, RecordKind.DATA, b"\x09 from the future", 1)
        gateway.read([1, 2, 3])
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        assert keys(broker) == [(f"{1:016x}", 2)]
        assert "cannot be read" in str(gateway.happenings[0][1])


async def test_a_platform_that_refuses_everything_is_down_and_the_records_stay(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.answer = lambda _: 0x87
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(30)))
        async with forwarding(gateway):
            await eventually(lambda: broker.connections >= 3)
            assert gateway.backlog == 30
            assert "not authorised" in str(gateway.forwarder.state.why)
            broker.answer = lambda _: 0
            await eventually(lambda: not gateway.backlog)
        assert balance_of(gateway).quarantined.records == 0


async def test_a_platform_that_begins_to_refuse_everything_costs_few_records(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    broker.answer = lambda message: 0x87 if "/readings" in message.topic else 0
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(200)))
        async with forwarding(gateway):
            await eventually(lambda: balance_of(gateway).quarantined.records >= IN_A_ROW)
            broker.answer = lambda _: 0
            broker.end(0x8B)
            await eventually(lambda: not gateway.backlog)
        assert balance_of(gateway).quarantined.records <= 2 * 20


async def test_a_record_at_which_the_platform_hangs_up_is_found_and_put_aside(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    def hang_up(message: Published) -> int | None:
        if orjson.loads(message.payload).get("seq") != 25:
            return 0
        broker.end(0x81)
        return None

    broker.answer = hang_up
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(60)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        balance = balance_of(gateway)
        assert (balance.delivered.records, balance.quarantined.records) == (59, 1)
        told = [str(words) for kind, words in gateway.happenings if kind is EventKind.QUARANTINED]
        assert told == ["the platform hangs up whenever it is sent this record"]


async def test_a_line_that_breaks_again_and_again_costs_no_record(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    left = 40

    def break_down(_message: Published) -> int | None:
        nonlocal left
        left -= 1
        if left % 2 or left < 0:
            return 0
        broker.end(0x8B)
        return None

    broker.answer = break_down
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(100)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        balance = balance_of(gateway)
        assert balance.delivered.records == 100
        assert balance.quarantined.records == 0


async def test_a_used_up_quota_costs_no_record(tmp_path: Path, broker: ScriptedBroker) -> None:
    broker.answer = lambda message: 0x97 if "/readings" in message.topic else 0
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(30)))
        async with forwarding(gateway):
            await eventually(lambda: broker.connections >= 8)
            assert "our quota is used up" in str(gateway.happenings[0][1])
            broker.answer = lambda _: 0
            await eventually(lambda: not gateway.backlog)
        assert balance_of(gateway).delivered.records == 30


async def test_a_later_run_sends_what_an_earlier_one_left_with_its_own_dictionary_and_key(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    with station(tmp_path, broker, run=1, width=2) as earlier:
        earlier.read([1, 2], [3, 4])
    with station(tmp_path, broker, run=2, width=3) as later:
        later.read([5, 6, 7])
        later.log.sync(5)
        async with forwarding(later):
            await eventually(lambda: not later.backlog)
            later.read([8, 9, 10])
            await eventually(lambda: not later.backlog)
    assert Counter(keys(broker)) == Counter(
        [(f"{1:016x}", n) for n in (1, 2)] + [(f"{2:016x}", n) for n in (1, 2)]
    )
    old, new = earlier.dictionary.meta, later.dictionary.meta
    assert [(c["meta"], len(c["tags"])) for c in contents(broker, "meta")] == [(new, 3), (old, 2)]
    order = [(c["kind"], c["meta"]) for c in contents(broker) if c["kind"] in ("meta", "readings")]
    assert order.index(("meta", old)) < order.index(("readings", old))
    assert [c["backfill"] for c in contents(broker, "readings")] == [True, True, True, False]


async def test_metas_of_earlier_runs_are_not_retained(tmp_path: Path, broker: ScriptedBroker) -> None:
    with station(tmp_path, broker, run=1, width=2) as earlier:
        earlier.read([1, 2])
    with station(tmp_path, broker, run=2) as later:
        async with forwarding(later):
            await eventually(lambda: not later.backlog)
    retained = [m.retain for m in broker.received if m.topic.endswith("/meta")]
    assert retained == [True, False]


async def test_readings_recorded_before_the_clock_was_set_are_sent_with_the_right_time(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    from dataclasses import replace

    with station(tmp_path, broker) as gateway:
        right = gateway.anchor
        gateway.anchor = replace(right, utc_ns=0, synchronised=False, source="none")
        gateway.read([1, 2, 3])
        gateway.anchor = right
        gateway.log.append(
            Stream.READINGS,
            RecordKind.ANCHOR,
            pack(right),
            first_boot_ns=right.boot_ns,
            last_boot_ns=right.boot_ns,
        )
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
    (content,) = contents(broker, "readings")
    assert content["clock"]["state"] == "synchronised"
    assert content["scan"]["utc_ms"] == pytest.approx(right.utc_ns / 1e6, abs=5_000)


async def test_a_broker_that_was_killed_is_found_again_and_the_backlog_drains(tmp_path: Path) -> None:
    with iotcore(tmp_path) as killed, observing(killed.port, TOPIC) as observer:
        gateway = Station(directory=tmp_path / "log", port=killed.port)
        async with forwarding(gateway):
            gateway.read([1, 2, 3])
            await eventually(lambda: len(observer.payloads("readings")) == 1 and not gateway.backlog)
            killed.kill()
            await eventually(lambda: not gateway.forwarder.state.connected)
            gateway.read(*([n, n, n] for n in range(200)))
            gateway.log.sync(5)
            assert not await gateway.forwarder.drain(0.1)
            killed.start()
            await eventually(lambda: not gateway.backlog)
            assert await gateway.forwarder.drain(5)
        gateway.log.close()
        kinds = [kind for kind, _ in gateway.happenings]
        assert kinds == [EventKind.UPLINK_LOST, EventKind.UPLINK_RESTORED]


async def test_a_bug_is_not_a_lost_uplink(
    tmp_path: Path, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug passes through; it is neither retried nor taken for an outage."""
    with station(tmp_path, broker) as gateway:
        monkeypatch.setattr(gateway.log, "preamble_of", None)
        gateway.read([1, 2, 3])
        gateway.log.sync(5)
        with pytest.raises(ExceptionGroup) as caught:
            await gateway.forwarder.run()
        assert caught.group_contains(TypeError)
        assert gateway.happenings == []


@pytest.mark.parametrize("reason", [0x89, 0x8B, 0x8E], ids=["busy", "shutting down", "taken over"])
async def test_a_broker_that_hangs_up_for_reasons_of_its_own_costs_no_record(
    tmp_path: Path, broker: ScriptedBroker, reason: int
) -> None:
    left = 12

    def hang_up(message: Published) -> int | None:
        nonlocal left
        if not message.topic.endswith("/readings") or not left:
            return 0
        left -= 1
        broker.end(reason)
        return None

    broker.answer = hang_up
    with station(tmp_path, broker) as gateway:
        gateway.read(*([n, n, n] for n in range(20)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
            taken_over = gateway.forwarder.state.taken_over_boot_ns
        assert left == 0
        assert balance_of(gateway).delivered.records == 20
        assert (taken_over is not None) == (reason == 0x8E)
