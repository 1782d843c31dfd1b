"""Asked for more than any machine can do, the agent says so, answers, judges, and stops in time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import orjson
import psutil
import pytest

from tests.brokers import free_port
from tests.system.plants import Description
from tests.system.station import ARRIVE_S, Station
from tests.system.waiting import until

DEVICES = 100
STOP_S = 12.0
MOST_MEMORY_BYTES = 400_000_000


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """The ports of devices that answer faster than any agent asks."""
    command = [sys.executable, "-m", "bench.load_devices", "--devices", str(DEVICES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as devices:
        assert devices.stdout is not None
        yield list(orjson.loads(devices.stdout.readline())["ports"])
        devices.kill()


def test_an_overloaded_agent_says_so_answers_and_stops(station: Station, ports: list[int]) -> None:
    described = Description(period="10ms").mqtt(free_port())
    for number, port in enumerate(ports):
        described.modbus(f"load{number}", port)
    agent = station.agent(described).start().ready()
    until(
        lambda: any("this machine is too slow" in concern for concern in agent.concerns()),
        ARRIVE_S,
        "overload is told",
        lambda: agent.ask()["readings"],
    )
    assert any("本机过慢" in concern for concern in agent.concerns("zh"))
    assert [line for line in agent.said() if "too much is asked of this machine" in line]
    asked, scans = time.monotonic(), scans_of(agent.ask())
    for _ in range(10):
        agent.ask()
    until(lambda: scans_of(agent.ask()) > scans + 10 * DEVICES, ARRIVE_S, "polling goes on")
    assert time.monotonic() - asked < ARRIVE_S
    assert psutil.Process(agent.pid).memory_info().rss < MOST_MEMORY_BYTES
    begun = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - begun < STOP_S


def scans_of(status: dict[str, object]) -> int:
    grid = status["grid"]
    assert isinstance(grid, list)
    return sum(group["scans"] for group in grid)
