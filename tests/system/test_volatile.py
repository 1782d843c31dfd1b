"""Disks that nothing can be stored on: the agent goes on in memory, says so, and goes back in time."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.system.capabilities import failing_sync, no_fault_injection, tmpfs
from tests.system.program import Agent
from tests.system.station import Station

EXIT_FAILED, EXIT_TRY_AGAIN = 1, 75
NOTHING_STORED = "nothing is stored, readings are kept in memory only: "


def with_runtime_directory(agent: Agent) -> Agent:
    """Give the agent what a service manager gives: a place for its socket that is not on the failing disk."""
    runtime = agent.state.parent / "run"
    runtime.mkdir(exist_ok=True)
    agent.environment = {"RUNTIME_DIRECTORY": str(runtime)}
    return agent


def marked(station: Station, run: str) -> set[bool]:
    """Return how the messages of a run are marked, records and presence alike."""
    contents = [content for kind in ("readings", "event") for content in station.receiver.contents(kind)]
    return {content.get("volatile", False) for content in contents if content["run"] == run}


def goes_on_in_memory(station: Station, agent: Agent, why: str) -> None:
    """Hold a started agent to delivering what it cannot store, to marking it, and to saying so."""
    agent.ready()
    station.delivering("plc")
    run = agent.ask()["run"]
    assert marked(station, run) == {True}
    assert agent.concerns()[0].startswith(NOTHING_STORED)
    assert why in agent.concerns()[0]
    degraded = station.arrived("degraded", "log")
    assert str(degraded["text"]["zh"]).endswith(agent.concerns("zh")[0])  # type: ignore[index]


def returns_to_the_disk(station: Station, agent: Agent) -> None:
    """Hold an agent in memory to ending once its disk is well, and to storing again from then on."""
    assert agent.wait() == EXIT_TRY_AGAIN
    agent.wrap = ()
    agent.start().ready()
    station.delivering("plc")
    assert marked(station, agent.ask()["run"]) == {False}
    station.arrived("degraded_ended", "log")
    assert not any(concern.startswith(NOTHING_STORED) for concern in agent.concerns())
    assert agent.stop() == 0
    assert station.receiver.faults == 0, station.receiver.book.summary()
    counters = station.receiver.counters("plc")
    assert len(counters) == len(set(counters))


def syncs_failing_in(log: Path, journal: Path) -> tuple[str, ...]:
    """Return a command under which no sync in a directory succeeds until its tracer is gone."""
    faults = ("-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO")
    where = ("-P", f"{log}/probe", "-P", str(log))
    return ("strace", "-D", "-I1", "-f", "--quiet=all", *faults, *where, "-o", str(journal))


def tracer_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid:")))


def test_where_no_sync_succeeds_the_second_start_goes_on_in_memory_until_one_does(station: Station) -> None:
    if why := no_fault_injection():
        pytest.skip(f"capability: no system call can be made to fail: {why}")
    agent = with_runtime_directory(station.agent(station.describe("plc")))
    journal = station.folder / "strace.log"
    agent.wrap = ("strace", *failing_sync(12), "-o", str(journal))
    agent.start()
    assert agent.wait() == EXIT_FAILED
    agent.wrap = syncs_failing_in(agent.state / "log", journal)
    agent.start()
    goes_on_in_memory(station, agent, "cannot be synced: [Errno 5] Input/output error")
    os.kill(tracer_of(agent.pid), signal.SIGTERM)
    returns_to_the_disk(station, agent)


def test_a_state_directory_mounted_read_only_is_left_for_memory_until_it_is_writable(
    station: Station,
) -> None:
    agent = with_runtime_directory(station.agent(station.describe("plc")))
    with tmpfs(agent.state, "size=64m"):
        subprocess.run(["mount", "-o", "remount,ro", agent.state], check=True)
        agent.start()
        goes_on_in_memory(station, agent, "cannot be written: Read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", agent.state], check=True)
        assert agent.wait() == EXIT_TRY_AGAIN
