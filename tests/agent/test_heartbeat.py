"""Once a second: the watchdog is fed by scans, and the clock's steps and overload are told."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.anchor import unpack_anchor
from agent.heartbeat import Heartbeat
from agent.layout import Layout
from agent.wiring import Wiring, wire
from config.plant import Plant
from config.vocabulary import RecordKind, Stream
from filters.kernels import twins
from tests.agent.plants import make_plant
from tests.agent.rig import events, forwarding_plant, stored, take, wired
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


async def test_a_step_of_the_clock_is_an_event_and_a_new_anchor(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        beating = asyncio.create_task(Heartbeat(wiring).run())
        await clock.advance(5 * S)
        before = unpack_anchor(newest_anchor(wiring))
        clock.utc_offset_ns -= 12 * 3600 * S
        await clock.advance(5 * S)
        beating.cancel()
        (step,) = events(wiring)
        assert (step.kind, step.rule, step.figures) == (
            "clock_step",
            "clock",
            {"step_s": -12 * 3600.0, "machine_step_s": -12 * 3600.0},
        )
        after = unpack_anchor(newest_anchor(wiring))
        assert after.utc_ns_of(clock.boot_ns()) == before.utc_ns_of(clock.boot_ns()) - 12 * 3600 * S


async def test_a_clock_that_becomes_synchronised_is_a_new_anchor_and_no_event(tmp_path: Path) -> None:
    clock = VirtualClock(vouched=False)
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        beating = asyncio.create_task(Heartbeat(wiring).run())
        take(wiring, [1, 2])
        await clock.advance(5 * S)
        assert not unpack_anchor(newest_anchor(wiring)).synchronised
        clock.vouched = True
        await clock.advance(5 * S)
        beating.cancel()
        assert unpack_anchor(newest_anchor(wiring)).synchronised
        assert events(wiring) == []


def newest_anchor(wiring: Wiring) -> bytes:
    """Return the ANCHOR that is in force for what is recorded now."""
    take(wiring, [1, 2])
    return wiring.log.preamble_of(stored(wiring, Stream.READINGS)[-1])[RecordKind.ANCHOR]


async def test_overload_is_told_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    clock, idle = VirtualClock(), IdleTime()
    async with wired(forwarding_plant(), tmp_path, clock, idle_ns=idle.measured_ns) as wiring:
        beating = asyncio.create_task(Heartbeat(wiring).run())
        await clock.advance(3 * S)
        assert events(wiring) == []
        idle.share = 0.0
        for _ in range(3):
            wiring.poller.counters[0].scans += 10
            wiring.poller.counters[0].overruns += 30
            await clock.advance(S)
        assert wiring.governor.level > 1
        idle.share = 1.0
        await clock.advance(60 * S)
        beating.cancel()
        assert wiring.governor.level == 1
        assert [(event.kind, event.rule) for event in events(wiring)] == [
            ("overload", "agent"),
            ("overload_ended", "agent"),
        ]


class IdleTime:
    """An event loop's idle time, as a share of the time that passes between two looks at it."""

    def __init__(self) -> None:
        self.share = 1.0
        self._seen_ns = time.monotonic_ns()
        self._idle_ns = 0.0

    def measured_ns(self) -> int:
        now_ns = time.monotonic_ns()
        self._idle_ns += self.share * (now_ns - self._seen_ns)
        self._seen_ns = now_ns
        return int(self._idle_ns)
