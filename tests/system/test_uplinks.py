"""Several uplinks, each on its own; platforms that confirm; folders that somebody empties."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import MOSQUITTO, Broker, iotcore, mosquitto
from tests.system.keeper import keeping
from tests.system.program import Agent
from tests.system.station import ARRIVE_S, Station, standing
from tests.system.waiting import until

ACKS = "platform/acks"
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="capability: mosquitto is not installed")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Broker]:
    """A second broker."""
    folder = tmp_path / "other"
    folder.mkdir()
    with iotcore(folder) as broker:
        yield broker


def standing_of(agent: Agent, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(uplink for uplink in agent.ask()["uplinks"] if uplink["uplink"] == name)
    return found


def balanced(agent: Agent) -> bool:
    """Tell whether every uplink's account adds up."""
    return all(
        ledger["recorded"][unit]
        == sum(ledger[part][unit] for part in ("delivered", "backlog", "quarantined"))
        + sum(lost[unit] for lost in ledger["lost"].values())
        for uplink in agent.ask()["uplinks"]
        for ledger in uplink["ledger"].values()
        for unit in ("records", "readings")
    )


def backlog(agent: Agent, name: str) -> int:
    return sum(stream["backlog"]["records"] for stream in standing_of(agent, name)["ledger"].values())


def test_one_uplink_that_is_stuck_holds_no_other_and_may_be_removed_and_come_back(
    station: Station, other: Broker
) -> None:
    described = station.describe("plc").mqtt(other.port, name="city", keepalive="2s")
    agent = station.agent(described).start().ready()
    until(lambda: standing_of(agent, "city")["connected"], ARRIVE_S, "both are connected")
    other.freeze()
    begun = time.monotonic()
    station.delivering("plc", more=20)
    assert time.monotonic() - begun < 20 * 0.1 + 3, "the other uplink does not wait"
    until(lambda: not standing_of(agent, "city")["connected"], ARRIVE_S, "the frozen one is noticed")
    until(lambda: standing_of(agent, "city")["next_try_s"] is not None, ARRIVE_S, "the next try is said")
    assert backlog(agent, "city") > 10
    assert balanced(agent)
    station.end(agent)

    del described.uplinks["city"]
    changed = station.agent(described).start().ready()
    event = station.arrived("uplink_removed", "city")
    assert event["figures"]["backlog_readings"] > 10  # type: ignore[index]
    assert "described no more" in changed.journal
    station.delivering("plc")
    station.end(changed)

    other.thaw()
    with keeping(other.directory / "kept", "--port", str(other.port)) as keeper:
        keeper.listening()
        described.mqtt(other.port, name="city")
        again = station.agent(described).start().ready()
        station.arrived("uplink_added", "city")
        until(lambda: len(keeper.counters()) > 3, ARRIVE_S, "the one that came back gets readings")
        run = again.ask()["run"]
        station.end(again)
        assert {record["run"] for record in keeper.records()} == {run}, "and nothing from before"
        assert len(station.receiver.events("uplink_removed")) == 1


@needs_mosquitto
def test_nothing_is_lost_where_a_broker_loses_what_it_acknowledged_and_the_platform_confirms(
    tmp_path: Path, kernel_cache: Path
) -> None:
    """PUBACK is not delivery: the broker is killed while it holds acknowledged messages for the platform."""
    with standing(tmp_path, kernel_cache, mosquitto(tmp_path)) as station:
        port = str(station.broker.port)
        options = ("--port", port, "--client-id", "platform", "--ack-topic", ACKS)
        with keeping(tmp_path / "kept", *options) as keeper:
            keeper.listening()
            described = station.describe("plc").mqtt(station.broker.port, ack_topic=ACKS, ack_timeout="1s")
            agent = station.agent(described).start().ready()
            until(lambda: len(keeper.counters()) > 5, ARRIVE_S, "readings are kept")
            keeper.pause()
            begun = station.units["plc"].reads
            until(
                lambda: standing_of(agent, "province")["unconfirmed"] > 5, ARRIVE_S, "the broker holds some"
            )
            until(lambda: station.units["plc"].reads > begun + 15, ARRIVE_S, "and has acknowledged them")
            until(lambda: "does not confirm" in " ".join(agent.concerns()), ARRIVE_S, "the silence is named")
            station.broker.kill()
            station.broker.start()
            keeper.go_on()
            last = station.units["plc"].reads
            until(
                lambda: set(range(1, last)) <= keeper.counters(),
                ARRIVE_S,
                "what the broker lost arrives",
                lambda: sorted(set(range(1, last)) - keeper.counters()),
            )
            until(lambda: backlog(agent, "province") < 15, ARRIVE_S, "it is confirmed")
            assert balanced(agent)
            assert agent.stop() == 0
            keys = [(found["run"], found["stream"], found["seq"]) for found in keeper.records()]
            assert len(keys) == len(set(keys))
            summary = keeper.end()
            assert summary["faults"] == 0


def test_a_folder_gets_everything_and_a_dead_reader_costs_nothing(station: Station, tmp_path: Path) -> None:
    folder = tmp_path / "diode"
    folder.mkdir()
    described = station.describe("plc").drop(folder, most_files=20)
    agent = station.agent(described).start().ready()
    until(lambda: "unread" in " ".join(agent.concerns()), ARRIVE_S, "a folder that nobody empties is named")
    assert len(list(folder.glob("*.fengsui"))) == 20
    station.delivering("plc")
    options = ("--folder", str(folder), "--take", "--from-start")
    with keeping(tmp_path / "kept", *options) as keeper:
        until(lambda: standing_of(agent, "diode")["connected"], ARRIVE_S, "there is room again")
        last = station.units["plc"].reads
        until(lambda: set(range(1, last)) <= keeper.counters(), ARRIVE_S, "everything is read")
        assert balanced(agent)
        station.end(agent)
        until(lambda: not list(folder.iterdir()), ARRIVE_S, "the folder is emptied")
        summary = keeper.end()
        assert summary["faults"] == 0
        assert summary["gateways"]["91130300MA00000009/gw-1"]["state"] == "offline"
