"""A disk that syncs slowly, and a process without descriptors: the grid is kept, and nothing is lost."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.system.capabilities import no_fault_injection
from tests.system.station import ARRIVE_S, Station
from tests.system.waiting import until

SLOW_SYNC_MS = 500
SEGMENT, ENOUGH_FOR_A_SEGMENT = "24kB", 350
_SLOW = ("-e", "trace=fdatasync", "-e", f"inject=fdatasync:delay_exit={SLOW_SYNC_MS * 1000}")


def segments(log: Path) -> set[str]:
    return {path.name for path in log.glob("*.seg")}


def assert_whole(station: Station) -> None:
    """Every answer of the device since the start has arrived, once."""
    counters = station.receiver.counters("plc")
    assert sorted(counters) == list(range(1, len(counters) + 1))
    assert station.receiver.contents("loss") == []


def test_syncs_of_half_a_second_cost_latency_and_nothing_else(station: Station) -> None:
    if why := no_fault_injection():
        pytest.skip(f"capability: no system call can be slowed down: {why}")
    agent = station.agent(station.describe("plc"))
    agent.wrap = ("strace", "-D", "-f", "--seccomp-bpf", "--quiet=all", *_SLOW, "-o", "/dev/null")
    agent.start().ready()
    station.delivering("plc", more=30)
    status = agent.ask()
    assert status["log"]["last_sync_ms"] >= SLOW_SYNC_MS
    assert status["log"]["at_risk_ms"] >= SLOW_SYNC_MS + 250
    (group,) = status["grid"]
    assert group["shed"] == 0
    assert group["late_ms"]["p99"] < SLOW_SYNC_MS / 5
    station.end(agent)
    assert_whole(station)


def test_without_a_free_descriptor_polling_goes_on_and_nothing_is_lost(station: Station) -> None:
    described = station.describe("plc", period="20ms")
    described.log = {"cap": "2MB", "segment": SEGMENT}
    agent = station.agent(described).start().ready()
    station.delivering("plc")
    before = segments(agent.state / "log")
    in_use = len(list(Path(f"/proc/{agent.pid}/fd").iterdir()))
    usual = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (in_use, usual[1]))
    reads = station.units["plc"].reads
    until(lambda: station.units["plc"].reads > reads + ENOUGH_FOR_A_SEGMENT, ARRIVE_S, "polling goes on")
    # The next cannot be begun: its file goes again for want of a descriptor to list it with.
    until(lambda: segments(agent.state / "log") == before, ARRIVE_S, "no next segment is left")
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, usual)
    until(lambda: segments(agent.state / "log") > before, ARRIVE_S, "the next segment is begun")
    station.delivering("plc")
    station.end(agent)
    assert_whole(station)
