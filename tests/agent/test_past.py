"""What a run takes up from the one before: killed or stopped, once or again and again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.gap import GapCause
from agent.past import take_up
from agent.platforms.fengsui1 import show_run
from agent.wiring import Wiring
from config.plant import Plant
from tests.agent.plants import make_plant
from tests.agent.rig import STORED_S, events, forwarding_plant, gaps, take, this_boots_clock, wired
from tests.virtual import VirtualClock

S = 10**9


@asynccontextmanager
async def started(plant: Plant, state: Path, clock: VirtualClock) -> AsyncIterator[Wiring]:
    """A run that has taken up its past, and polls nothing."""
    async with wired(plant, state, clock) as wiring:
        take_up(wiring)
        wiring.log.sync(STORED_S)
        yield wiring


def scan(wiring: Wiring, raw: float) -> None:
    take(wiring, [raw])
    wiring.log.sync(STORED_S)


def as_a_kill_leaves_it(wiring: Wiring, state: Path, copy: Path) -> Path:
    """Copy what is stored now: a kill leaves just that."""
    wiring.log.sync(STORED_S)
    shutil.copytree(state, copy)
    return copy


async def test_a_standing_alarm_outlives_one_kill_after_another(tmp_path: Path) -> None:
    plant, clock = make_plant(tags_each=1, tag={"h": 4}), VirtualClock()
    raised_ns = clock.boot_ns()
    async with started(plant, tmp_path / "0", clock) as first:
        scan(first, raw=5)
        state = as_a_kill_leaves_it(first, tmp_path / "0", tmp_path / "1")
    for kill in (1, 2, 3):
        clock.now_ns += 60 * S
        async with started(plant, state, clock) as run:
            assert [alarm.since_boot_ns for alarm in run.engine.alarms()] == [raised_ns]
            state = as_a_kill_leaves_it(run, state, tmp_path / str(kill + 1))


async def test_an_interlock_is_armed_for_as_long_as_it_was_seen_so_over_every_kill(tmp_path: Path) -> None:
    rule = {
        "name": "water",
        "cause": {"tag": "plc_0", "above": 4},
        "effects": [{"tag": "plc_1", "equals": 1, "within": "3s"}],
    }
    plant, clock = make_plant(rules={"interlocks": [rule]}), this_boots_clock()
    async with started(plant, tmp_path / "0", clock) as first:
        take(first, [1, 0])
        (armed,) = first.engine.interlocks()
        state = as_a_kill_leaves_it(first, tmp_path / "0", tmp_path / "1")
    clock.now_ns += 60 * S
    async with started(plant, state, clock) as second:
        take(second, [1, 0])
        (still,) = second.engine.interlocks()
        assert (still.state, still.since_boot_ns) == (armed.state, armed.since_boot_ns)


async def test_what_was_stored_is_not_judged_again(tmp_path: Path) -> None:
    plant, clock = make_plant(tags_each=1, tag={"h": 4}), VirtualClock()
    async with started(plant, tmp_path, clock) as first:
        scan(first, raw=5)
    clock.now_ns += 60 * S
    async with started(plant, tmp_path, clock) as second:
        before = second.pipeline.ledger.events
        scan(second, raw=5)
        assert second.pipeline.ledger.events == before


async def test_the_time_since_an_orderly_stop_is_a_gap_of_our_own_doing(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(), this_boots_clock()
    async with wired(plant, tmp_path, clock) as first:
        take_up(first)
        take(first, [1, 2])
        first.log.sync(STORED_S)
        run, ended_ns = show_run(first.run_id), clock.boot_ns()
    clock.now_ns += 3600 * S
    async with wired(plant, tmp_path, clock) as second:
        take_up(second)
        began, *_ = (event for event in events(second) if event.figures["start"] == 2)
        assert began.figures["previous_run"] == run
        assert began.figures["previous_readings"] == 1
        assert began.figures["previous_events"] == 1
        (gap,) = gaps(second)
        assert (gap.cause, gap.device) == (GapCause.CLEAN_STOP, None)
        assert ended_ns <= gap.start.boot_ns < ended_ns + 60 * S
        assert gap.end.boot_ns == clock.boot_ns()
        length_ns = gap.end.boot_ns - gap.start.boot_ns
        assert gap.end.utc_ns - gap.start.utc_ns == length_ns
        assert gap.words().show("zh") == f"整个网关 {length_ns / S:.1f} 秒无数据：采集程序被停止"


async def test_the_time_since_a_kill_is_a_crash_and_names_what_was_stored_last(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(), VirtualClock()
    async with wired(plant, tmp_path / "0", clock) as first:
        take_up(first)
        for number in range(7):
            take(first, [number, number])
        killed = as_a_kill_leaves_it(first, tmp_path / "0", tmp_path / "1")
    clock.now_ns += 10 * S
    async with wired(plant, killed, clock) as second:
        take_up(second)
        (gap,) = gaps(second)
        assert gap.cause is GapCause.AGENT_CRASH
        began = events(second)[-1]
        assert (began.figures["previous_readings"], began.figures["previous_events"]) == (7, 1)


async def test_a_kernel_that_started_anew_means_that_the_machine_was_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, before = forwarding_plant(), this_boots_clock()
    async with wired(plant, tmp_path / "0", before) as first:
        take_up(first)
        take(first, [1, 2])
        left = as_a_kill_leaves_it(first, tmp_path / "0", tmp_path / "1")
    monkeypatch.setattr("agent.wiring.boot_id", lambda: "f" * 32)
    booted = VirtualClock(now_ns=20 * S, utc_offset_ns=before.utc_ns() + 3600 * S)
    async with wired(plant, left, booted) as second:
        take_up(second)
        (gap,) = gaps(second)
        assert gap.cause is GapCause.HOST_DOWN_UNCLEAN
        assert gap.start.boot_id != gap.end.boot_id == "f" * 32
        assert gap.start.utc_ns == before.utc_offset_ns + gap.start.boot_ns  # by the clock of its own boot
        assert 3560 * S < gap.end.utc_ns - gap.start.utc_ns <= 3620 * S


async def test_the_first_start_finds_no_gap(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        take_up(wiring)
        (began,) = events(wiring)
        assert (began.kind, began.figures["start"]) == ("agent_started", 1)
        assert "previous_run" not in began.figures
        assert gaps(wiring) == []
