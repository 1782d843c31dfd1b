"""State directories that cannot be written, are full, are taken or damaged, and disks that fail."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.layout import Layout
from tests.brokers import free_port
from tests.system.capabilities import fill, tmpfs
from tests.system.field import CountingUnit
from tests.system.plants import Description
from tests.system.program import Agent, command
from tests.system.station import ARRIVE_S, Station
from tests.system.waiting import until

EXIT_CANNOT_CREATE, EXIT_TRY_AGAIN = 73, 75
STOP_S = 14.0
"""Less than the unit's TimeoutStopSec."""


def some_plant(folder: Path) -> Path:
    """A plant whose device and platform are not there."""
    return Description().modbus("plc", free_port()).mqtt(free_port()).write(folder)


def refused(plant: Path, state: Path, cache: Path, language: str) -> subprocess.CompletedProcess[str]:
    """Start an agent where it cannot start."""
    words = ("run", "--state", str(state), str(plant))
    return command(*words, language=language, CACHE_DIRECTORY=str(cache))


def test_a_file_in_the_place_of_the_state_directory_is_named(tmp_path: Path, kernel_cache: Path) -> None:
    state = tmp_path / "state"
    state.write_text("not a directory", encoding="utf-8")
    ended = refused(some_plant(tmp_path), state, kernel_cache, "en")
    assert ended.returncode == EXIT_CANNOT_CREATE
    assert ended.stderr.splitlines()[-1] == (
        f"{state}/log cannot be used for the log: Not a directory; it must be a directory that this user can "
        "read and write"
    )
    assert state.read_text(encoding="utf-8") == "not a directory"


def test_a_read_only_state_directory_without_another_place_for_the_socket_is_named(
    tmp_path: Path, kernel_cache: Path
) -> None:
    state = tmp_path / "state"
    with tmpfs(state, "ro"):
        ended = refused(some_plant(tmp_path), state, kernel_cache, "zh")
    shutil.rmtree(Layout(state).ram)
    assert ended.returncode == EXIT_CANNOT_CREATE
    assert ended.stderr.splitlines()[-1] == f"无法建立套接字 {state}/fengsui.sock：Read-only file system"


def test_a_second_agent_on_one_state_directory_is_refused_and_the_first_goes_on(
    station: Station, tmp_path: Path
) -> None:
    first = station.agent(station.describe("plc")).start().ready()
    station.delivering("plc")
    before = first.ask()["run"]
    for language, words in (
        ("en", f"another agent (process {first.pid}) uses {first.state}/log; stop it, or give this one"),
        ("zh", f"另一个采集代理（进程 {first.pid}）正在使用 {first.state}/log；请先停止它"),
    ):
        ended = refused(some_plant(tmp_path), first.state, first.cache, language)
        assert ended.returncode == EXIT_TRY_AGAIN
        assert ended.stderr.splitlines()[-1].startswith(words)
    assert first.ask()["run"] == before
    station.delivering("plc")
    station.end(first)
    counters = station.receiver.counters("plc")
    assert sorted(counters) == list(range(1, len(counters) + 1))


DISK_FULL = "the disk is full; the oldest readings make room"
DISK_FULL_ZH = "磁盘已满，最早的读数正在让出空间"


@pytest.fixture
def small_disk(station: Station) -> Iterator[Agent]:
    """An agent whose state directory is a small disk of its own, reading more than that could hold."""
    described = station.describe("busy", "plc", period="50ms").tag("plc", "water", "hr:60", h=100)
    for number in range(8):
        described.modbus(f"load{number}", station.field.modbus({1: CountingUnit()}).port)
    described.log = {"cap": "1MB", "segment": "128kB"}
    agent = station.agent(described, language="zh")
    with tmpfs(agent.state, "size=2m"):
        try:
            yield agent
        finally:
            agent.kill()


def test_a_full_disk_stops_neither_polling_nor_judging_nor_status_and_what_it_cost_is_told(
    station: Station, small_disk: Agent
) -> None:
    agent, unit = small_disk.start().ready(), station.units["plc"]
    station.delivering("plc")
    fill(agent.state / "filler")
    until(lambda: DISK_FULL in agent.concerns(), ARRIVE_S, "the full disk is told")
    assert DISK_FULL_ZH in agent.concerns("zh")
    unit.holding[60] = 500
    until(lambda: agent.ask()["alarms"] != [], ARRIVE_S, "alarms are judged")
    station.arrived("alarm_raised", "water.H")  # for which there is room, even now
    until(lambda: agent.ask()["readings"]["refused"] > 0, 2 * ARRIVE_S, "the queue of readings is full")
    reads = unit.reads
    until(lambda: unit.reads > reads + 20, ARRIVE_S, "polling goes on")
    assert {group["scans_bad"] for group in agent.ask()["grid"]} == {0}

    (agent.state / "filler").unlink()
    until(lambda: DISK_FULL not in agent.concerns(), ARRIVE_S, "the end of the full disk is noticed")
    station.delivering("plc", more=20)
    refused = agent.ask()["readings"]["refused"]
    station.end(agent)
    losses = station.receiver.contents("loss")
    assert "磁盘已满" in {loss["text"]["zh"].rpartition("：")[2] for loss in losses}
    assert {loss["cause"] for loss in losses} <= {"disk_full", "pressure"}
    assert sum(loss["lost"]["readings"] for loss in losses) == refused


def test_an_agent_stops_and_starts_while_its_disk_is_full(station: Station, small_disk: Agent) -> None:
    agent = small_disk.start().ready()
    station.delivering("plc")
    fill(agent.state / "filler")
    until(lambda: DISK_FULL in agent.concerns(), ARRIVE_S, "the full disk is told")
    begun = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - begun < STOP_S
    assert "ERROR 磁盘未能及时写入全部数据，尚在排队的部分已丢失" in agent.said()

    agent.start().ready()
    until(lambda: DISK_FULL in agent.concerns(), ARRIVE_S, "the full disk is told again")
    reads = station.units["plc"].reads
    until(lambda: station.units["plc"].reads > reads + 20, ARRIVE_S, "polling goes on")
    (agent.state / "filler").unlink()
    until(lambda: DISK_FULL not in agent.concerns(), ARRIVE_S, "the end of the full disk is noticed")
    station.delivering("plc")
    station.end(agent)
