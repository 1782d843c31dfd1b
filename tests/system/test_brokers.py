"""Brokers that are absent, refuse, freeze: polling goes on, and what was stored is delivered."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import MOSQUITTO, MOSQUITTO_PASSWD, free_port, iotcore, mosquitto
from tests.system.station import ARRIVE_S, Station, standing
from tests.system.waiting import until

STOP_S = 12.0
"""More than the drain (3 s), two goodbyes (1 s each) and a last sync; less than systemd's patience."""

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="capability: mosquitto is not installed")


@pytest.fixture(params=["iotcore", pytest.param("mosquitto", marks=needs_mosquitto)])
def either(request: pytest.FixtureRequest, tmp_path: Path, kernel_cache: Path) -> Iterator[Station]:
    """A station with each of two brokers."""
    broker = iotcore(tmp_path) if request.param == "iotcore" else mosquitto(tmp_path)
    with standing(tmp_path, kernel_cache, broker) as found:
        yield found


def test_a_broker_that_is_absent_at_start_gets_the_backlog_when_it_appears(station: Station) -> None:
    port = free_port()
    described = station.describe("plc").mqtt(port)
    agent = station.agent(described).start().ready()
    unit = station.units["plc"]
    until(lambda: unit.reads >= 10, ARRIVE_S, "the device is read without a platform")
    until(lambda: any("province" in said for said in agent.concerns()), ARRIVE_S, "the uplink is missed")
    assert "uplink province is down: no connection: nothing listens there" in agent.concerns()
    assert "上行通道 province 中断：无法连接：该端口无服务" in agent.concerns("zh")
    assert "WARN  uplink lost uplink=province cause=no connection: nothing listens there" in agent.said()
    unread = unit.reads
    station.field.relay(station.broker.port, port)  # the line to the broker that the receiver listens to

    station.arrived("uplink_restored", "province")
    until(lambda: unread in station.receiver.counters("plc"), ARRIVE_S, "the backlog arrives")
    station.delivering("plc")
    station.end(agent)
    counters = station.receiver.counters("plc")
    assert sorted(counters) == list(range(1, max(counters) + 1))
    flagged = {scan.raw["plc_reads"]: scan.backfill for scan in station.receiver.scans}
    assert flagged[1] is True
    assert flagged[max(counters)] is False
    lost = station.receiver.events("uplink_lost", "province")[0]
    assert lost["backfill"] is True
    assert lost["text"]["zh"] == "上行通道 province 中断：无法连接：该端口无服务"


def test_a_frozen_broker_is_noticed_and_gets_everything_when_it_thaws(either: Station) -> None:
    station = either
    described = station.describe("plc").mqtt(station.broker.port, keepalive="1s")
    agent = station.agent(described).start().ready()
    station.delivering("plc")
    station.broker.freeze()
    until(
        lambda: "uplink province is down" in " ".join(agent.concerns()),
        ARRIVE_S,
        "the frozen broker is noticed",
    )
    reads = station.units["plc"].reads
    until(lambda: station.units["plc"].reads > reads + 5, ARRIVE_S, "polling goes on")
    station.broker.thaw()
    station.arrived("uplink_restored", "province")
    station.delivering("plc")
    station.end(agent)
    counters = station.receiver.counters("plc")
    assert sorted(counters) == list(range(1, max(counters) + 1))


def test_an_agent_stops_in_time_while_its_broker_is_frozen(station: Station) -> None:
    agent = station.agent(station.describe("plc")).start().ready()
    station.delivering("plc")
    station.broker.freeze()
    begun = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - begun < STOP_S
    assert "INFO  stopping with a backlog; it is sent after the next start" in agent.said()
    station.broker.thaw()
    agent.start().ready()
    station.arrived("agent_stopped")
    station.delivering("plc")
    station.end(agent)
    assert [gap["cause"] for gap in station.receiver.gaps()] == ["clean_stop"]


@needs_mosquitto
def test_a_broker_that_refuses_our_password_is_named_and_gets_everything_once_it_is_right(
    tmp_path: Path, kernel_cache: Path
) -> None:
    users = tmp_path / "users"
    users.write_text("receiver:right\nagent:right\n", encoding="utf-8")
    assert MOSQUITTO_PASSWD is not None
    subprocess.run([MOSQUITTO_PASSWD, "-U", users], check=True)
    options = f"allow_anonymous false\npassword_file {users}"
    secret = tmp_path / "secret"
    secret.write_text("wrong\n", encoding="utf-8")
    secret.chmod(0o600)
    with standing(tmp_path, kernel_cache, mosquitto(tmp_path, options), password="right") as station:
        described = station.describe("plc")
        described.mqtt(station.broker.port, username="agent", password=f"file:{secret}")
        agent = station.agent(described).start().ready()
        refused = "uplink province is down: the broker refused us: not authorised (0x87)"
        until(lambda: refused in agent.concerns(), ARRIVE_S, "the refusal is named")
        assert "上行通道 province 中断：消息代理拒绝连接：未授权（0x87）" in agent.concerns("zh")
        reads = station.units["plc"].reads
        until(lambda: station.units["plc"].reads > reads + 5, ARRIVE_S, "polling goes on")
        assert sum("uplink lost" in line for line in agent.said()) == 1
        assert station.receiver.records == []
        secret.write_text("right\n", encoding="utf-8")
        station.arrived("uplink_restored", "province")
        station.delivering("plc")
        station.end(agent)  # what waited arrives after what is live
        counters = station.receiver.counters("plc")
        assert sorted(counters) == list(range(1, max(counters) + 1))
        assert max(counters) > reads


def test_a_broker_that_accepts_the_connection_and_says_nothing_is_named(station: Station) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        agent = station.agent(station.describe("plc").mqtt(deaf.getsockname()[1], keepalive="1s"))
        agent.start().ready()
        silent = "uplink province is down: the broker answers nothing any more"
        until(lambda: silent in agent.concerns(), ARRIVE_S, "silence is named")
        assert "上行通道 province 中断：消息代理不再应答" in agent.concerns("zh")
        assert agent.stop() == 0
