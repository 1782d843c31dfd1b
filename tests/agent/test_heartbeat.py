"""The watchdog is fed by scans, and starves without them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.heartbeat import Heartbeat
from agent.layout import Layout
from agent.wiring import Wiring, wire
from config.plant import Plant
from filters.kernels import twins
from tests.agent.plants import make_plant
from tests.virtual import VirtualClock

S = 10**9
LIMIT_S = 30


class Manager:
    """A service manager that counts how often it is told that all is well."""

    def __init__(self, socket_path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(socket_path))

    def heard(self) -> int:
        count = 0
        while True:
            try:
                count += self.socket.recv(100) == b"WATCHDOG=1"
            except BlockingIOError:
                return count


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    found = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", str(LIMIT_S * 10**6))
    yield found
    found.socket.close()


async def longest_silence_s(plant: Plant, state: Path, manager: Manager, *, scans_until_s: int) -> int:
    """Return the longest time within ten minutes in which a manager heard nothing."""
    clock = VirtualClock()
    wiring = wire(plant, Layout(state), clock, twins(), lambda: 0)
    beating = asyncio.create_task(Heartbeat(wiring).run())
    period_s = plant.scan_class_of(plant.groups[0]).period // S
    silence_s = longest_s = 0
    for second in range(600):
        if second % period_s == 0 and second < scans_until_s:
            wiring.pipeline.progress += 1
        await clock.advance(S)
        silence_s = 0 if manager.heard() else silence_s + 1
        longest_s = max(longest_s, silence_s)
    await end(beating, wiring)
    return longest_s


async def end(beating: asyncio.Task[None], wiring: Wiring) -> None:
    beating.cancel()
    await asyncio.wait([beating])
    wiring.pipeline.close()
    wiring.log.close()


@pytest.mark.parametrize("period", ["1s", "60s", "5min"])
async def test_scans_keep_the_watchdog_fed_however_rare_they_are(
    period: str, tmp_path: Path, manager: Manager
) -> None:
    plant = make_plant(period=period)
    assert await longest_silence_s(plant, tmp_path / "state", manager, scans_until_s=600) < LIMIT_S


async def test_without_scans_the_watchdog_starves(tmp_path: Path, manager: Manager) -> None:
    plant = make_plant(period="60s")
    assert await longest_silence_s(plant, tmp_path / "state", manager, scans_until_s=121) > LIMIT_S
