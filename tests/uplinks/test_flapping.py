"""A line that comes and goes; a real broker that takes some messages and not others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from agent.concerns import MANY_CUTS
from agent.receive.ledger import Ledger
from agent.receive.messages import Checker
from agent.simulate.relay import relaying
from config.vocabulary import EventKind, Stream
from tests.brokers import MOSQUITTO, iotcore, mosquitto
from tests.uplinks.observer import observing
from tests.uplinks.station import TOPIC, Station, forwarding
from tests.uplinks.waiting import eventually

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="capability: mosquitto is not installed")


async def test_a_line_that_flaps_loses_nothing_and_changes_nothing(tmp_path: Path) -> None:
    with iotcore(tmp_path) as broker, observing(broker.port, TOPIC) as observer:
        async with relaying(broker.port) as line:
            gateway = Station(directory=tmp_path / "log", port=line.port)
            async with forwarding(gateway):
                for turn in range(8):
                    await eventually(lambda: gateway.forwarder.state.connected)
                    gateway.read(*([turn, n, n] for n in range(50)))
                    wanted = len(observer.payloads("readings")) + 15
                    await eventually(
                        lambda wanted=wanted: (
                            len(observer.payloads("readings")) >= wanted or not gateway.backlog
                        )
                    )
                    line.cut()
                    await eventually(lambda: not gateway.forwarder.state.connected)
                    line.mend()
                await eventually(lambda: not gateway.backlog)
            gateway.log.close()
        book, checker = Ledger(from_start=True), Checker()
        await eventually(lambda: len(set(observer.payloads("readings"))) >= 400)
        for _, payload, _ in observer.seen:
            book.enter(checker.check(payload))
    assert book.summary()["faults"] == 0
    assert book.totals().readings == 8 * 50 * 3
    kinds = Counter(kind for kind, _ in gateway.happenings)
    assert kinds == {EventKind.UPLINK_LOST: 8, EventKind.UPLINK_RESTORED: 8}


@needs_mosquitto
async def test_oversized_and_forbidden_messages_are_put_aside_and_the_rest_flows(tmp_path: Path) -> None:
    permissions = tmp_path / "permissions"
    rights = "".join(f"topic readwrite {TOPIC}/{kind}\n" for kind in ("readings", "status", "meta", "meta/#"))
    permissions.write_text(rights, encoding="utf-8")
    options = f"allow_anonymous true\nmax_packet_size 24000\nacl_file {permissions}"
    with mosquitto(tmp_path, options) as broker, observing(broker.port, TOPIC) as observer:
        gateway = Station(directory=tmp_path / "log", port=broker.port, width=1500)
        async with forwarding(gateway):
            for n in range(3):
                gateway.read([0.5] * 1500, [float(n)] * 5)
                gateway.tell(EventKind.CLOCK_STEP)
                await eventually(lambda: not gateway.backlog)
            await eventually(lambda: len(observer.payloads("readings")) == 3)
        balances = gateway.log.ledger().balances["province"]
        gateway.log.close()
    readings, events = balances[Stream.READINGS], balances[Stream.EVENTS]
    assert (readings.recorded.records, readings.delivered.records, readings.quarantined.records) == (6, 3, 3)
    assert (events.recorded.records, events.quarantined.records) == (3, 3)
    assert [orjson.loads(payload)["seq"] for payload in observer.payloads("readings")] == [2, 4, 6]
    told = [str(words) for kind, words in gateway.happenings if kind is EventKind.QUARANTINED]
    assert sum("not authorised" in words for words in told) == 3
    assert sum("takes 24000" in words for words in told) == 3


@needs_mosquitto
async def test_two_gateways_that_take_one_name_from_each_other_both_notice_and_lose_nothing(
    tmp_path: Path,
) -> None:
    """Debian's mosquitto hangs up on the one that was there without a word."""
    with mosquitto(tmp_path, "allow_anonymous true") as broker:
        ours, theirs = (
            Station(
                directory=tmp_path / f"log-{run}",
                port=broker.port,
                run=run,
                options={"client_id": "one-name"},
            )
            for run in (1, 2)
        )
        async with forwarding(ours):
            async with forwarding(theirs):
                for turn in range(10):
                    ours.read(*([turn, n, n] for n in range(20)))
                    await eventually(lambda turn=turn: ours.forwarder.state.cut_off > turn)  # type: ignore[misc]
                assert theirs.forwarder.state.cut_off >= MANY_CUTS
            await eventually(lambda: not ours.backlog)
        balance = ours.log.ledger().balances["province"][Stream.READINGS]
        ours.log.close()
        theirs.log.close()
    assert (balance.delivered.records, balance.quarantined.records) == (200, 0)
