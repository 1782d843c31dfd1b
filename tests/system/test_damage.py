"""Logs that rot and disks that fail: the agent says so, loses nothing silently, and delivers the rest."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from tests.brokers import free_port
from tests.system.capabilities import failing_sync, no_fault_injection
from tests.system.program import Agent
from tests.system.station import ARRIVE_S, Station
from tests.system.waiting import until

BACKLOG = 40


def with_backlog(station: Station, language: str = "en") -> tuple[Agent, int]:
    """Return an agent that was killed with scans on disk that nobody has, and how often the device was read.

    Its plant forwards to a port where nothing listens until the broker's line is laid.
    """
    port = free_port()
    agent = (
        station.agent(station.describe("plc", period="50ms").mqtt(port), language=language).start().ready()
    )
    unit = station.units["plc"]
    until(lambda: unit.reads >= BACKLOG, ARRIVE_S, "a backlog grows")
    agent.kill()
    station.field.relay(station.broker.port, port)
    return agent, unit.reads


def the_segment(agent: Agent, stream: str) -> Path:
    (segment,) = (agent.state / "log").glob(f"{stream}-*.seg")
    return segment


def says(agent: Agent, words: str) -> list[str]:
    return [line for line in agent.said() if words in line]


def test_a_torn_end_is_cut_and_everything_before_it_delivered(station: Station) -> None:
    agent, read = with_backlog(station)
    segment = the_segment(agent, "readings")
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size - 7)
    agent.start().ready()
    station.delivering("plc")
    station.end(agent)
    assert says(agent, "the log's end was torn") == []  # it is told once
    (line,) = says(agent, "ERROR records of the log are lost stream=readings")
    assert line.endswith("cause=power went while they were written uplink=province")
    (loss,) = station.receiver.contents("loss")
    assert loss["cause"] == "torn_tail"
    missing = set(range(1, read)) - set(station.receiver.counters("plc"))
    assert len(missing) <= 5  # the torn one, and what the kill took


def test_a_damaged_middle_costs_what_was_there_and_is_told(station: Station) -> None:
    agent, read = with_backlog(station, "zh")
    segment = the_segment(agent, "readings")
    random, size = Random(3), segment.stat().st_size
    with segment.open("r+b") as file:
        file.seek(size // 2)
        file.write(random.randbytes(100))
    (agent.state / "log" / "notes.txt").write_text("somebody's notes", encoding="utf-8")
    (agent.state / "log" / "readings-0000000777.seg").write_bytes(random.randbytes(5000))

    agent.start().ready()
    station.delivering("plc")
    station.end(agent)
    assert len(says(agent, "ERROR 日志记录丢失 stream=readings")) == 1
    assert len(says(agent, "ERROR 日志文件已无完整记录，已删除 file=readings-0000000777.seg")) == 1
    assert (agent.state / "log" / "notes.txt").read_text(encoding="utf-8") == "somebody's notes"
    (loss,) = station.receiver.contents("loss")
    assert loss["cause"] == "damaged"
    assert 1 <= loss["lost"]["records"] <= 5
    assert "存储介质损坏" in loss["text"]["zh"]
    missing = set(range(1, read)) - set(station.receiver.counters("plc"))
    assert len(missing) <= loss["lost"]["records"] + 5


def test_a_log_of_nothing_but_noise_is_begun_anew(station: Station) -> None:
    agent, _ = with_backlog(station)
    random = Random(5)
    for path in (agent.state / "log").iterdir():
        path.write_bytes(random.randbytes(path.stat().st_size))
    agent.start().ready()
    station.delivering("plc")
    station.end(agent)
    (started,) = station.receiver.events("agent_started")
    assert "previous_run" not in started["figures"]
    assert len(says(agent, "ERROR a file of the log held no whole record and was deleted file=")) == 2


def test_a_failed_sync_ends_the_agent_and_the_next_delivers_all_that_was_stored(station: Station) -> None:
    if why := no_fault_injection():
        pytest.skip(f"capability: no system call can be made to fail: {why}")
    agent = station.agent(station.describe("plc"))
    agent.wrap = ("strace", *failing_sync(12), "-o", str(station.folder / "strace.log"))
    agent.start()
    assert agent.wait() == 1
    failed_s = time.monotonic()
    assert "the log cannot be written: [Errno 5] Input/output error" in agent.journal
    unit = station.units["plc"]
    read = unit.reads
    assert read > 0

    agent.wrap = ()
    agent.start().ready()
    station.delivering("plc")
    station.end(agent)
    arrived = set(station.receiver.counters("plc"))
    missing = [number for number in range(1, read) if number not in arrived]
    assert [number for number in missing if failed_s - unit.read_at_s[number] > 5] == []
    assert [gap["cause"] for gap in station.receiver.gaps()] == ["agent_crash"]


def test_a_failed_sync_is_told_in_chinese_too(station: Station) -> None:
    if why := no_fault_injection():
        pytest.skip(f"capability: no system call can be made to fail: {why}")
    agent = station.agent(station.describe("plc"), language="zh")
    agent.wrap = ("strace", *failing_sync(1), "-o", str(station.folder / "strace.log"))
    agent.start()
    assert agent.wait() == 1
    assert "日志无法写入：[Errno 5] Input/output error" in agent.journal
