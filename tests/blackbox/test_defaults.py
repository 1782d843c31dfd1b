"""The black box as it is set by default, 60 s before and after: nothing of a window is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.wiring import Wiring
from config.plant import Plant
from tests.agent.rig import forwarding_plant, take, wired
from tests.blackbox.test_recorder import S, told, windows
from tests.virtual import VirtualClock

HIGH = {"h": 2000, "type": "float64", "deadband": {"absolute": 1e9}}


def by_default(tags: int, **tag: object) -> Plant:
    return forwarding_plant(tag=HIGH | tag, tags_each=tags)


async def watch(wiring: Wiring, clock: VirtualClock, tags: int, scans: int, high: set[int]) -> None:
    """One scan a second; the first tag is high in the scans named, the second counts them."""
    for count in range(scans):
        take(wiring, [3000.0 if count in high else 0.0, -float(count), *(0.0 for _ in range(tags - 2))])
        await clock.run_until(clock.boot_ns() + S)


def counts(wiring: Wiring) -> list[int]:
    return [-int(reading) for reading in told(windows(wiring))]


@pytest.mark.parametrize("tags", [2, 10, 20, 40])
async def test_an_alarm_has_a_minute_before_it_and_a_minute_after_it(tmp_path: Path, tags: int) -> None:
    clock = VirtualClock()
    async with wired(by_default(tags), tmp_path, clock) as wiring:
        await watch(wiring, clock, tags, 230, {150})
        assert counts(wiring) == list(range(90, 211))


async def test_ten_alarms_in_a_row_lose_nothing_of_the_first(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(by_default(2), tmp_path, clock) as wiring:
        await watch(wiring, clock, 2, 620, set(range(100, 551, 50)))
        assert counts(wiring) == list(range(40, 611))
        assert wiring.black_box.lost_scans == 0


async def test_a_window_that_is_prolonged_for_ever_gives_way_to_a_newer_one(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(by_default(2), tmp_path, clock) as wiring:
        await watch(wiring, clock, 2, 1500, set(range(100, 1400, 40)))
        found = windows(wiring)
    spans: dict[int, list[int]] = {}
    for window in found:
        spans.setdefault(window.event_boot_ns, []).extend(window.scans.boot_ns.tolist())
    assert len(spans) == 3
    assert all(max(inside) <= opened + 600 * S for opened, inside in spans.items())
    assert {-int(reading) for reading in told(found)} == set(range(40, 1441))


async def test_a_window_begins_a_minute_before_the_onset_whatever_the_delay_of_its_alarm(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    async with wired(by_default(2, on_delay="50s"), tmp_path, clock) as wiring:
        await watch(wiring, clock, 2, 340, set(range(150, 220)))
        assert counts(wiring) == list(range(90, 261))


async def test_what_was_before_an_alarm_is_recorded_within_the_next_scan(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(by_default(2), tmp_path, clock) as wiring:
        await watch(wiring, clock, 2, 101, {100})
        assert counts(wiring) == list(range(40, 101))


async def test_what_follows_an_alarm_is_never_more_than_a_few_seconds_behind(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(by_default(2), tmp_path, clock) as wiring:
        await watch(wiring, clock, 2, 101, {100})
        for count in range(101, 160):
            take(wiring, [0.0, -float(count)])
            await clock.run_until(clock.boot_ns() + S)
            assert counts(wiring)[-1] >= count - 2
