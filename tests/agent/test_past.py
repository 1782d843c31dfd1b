"""What a run takes up from the one before: killed or stopped, once or again and again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from agent.layout import Layout
from agent.past import take_up
from agent.wiring import Wiring, wire
from config.plant import Plant
from drivers.contract import Scan
from filters.kernels import twins
from tests.agent.plants import make_plant
from tests.virtual import VirtualClock

S = 10**9
STORED_S = 5.0


@asynccontextmanager
async def started(plant: Plant, state: Path, clock: VirtualClock) -> AsyncIterator[Wiring]:
    """A run that has taken up its past, and polls nothing."""
    wiring = wire(plant, Layout(state), clock, twins(), lambda: 0)
    try:
        take_up(wiring)
        wiring.log.sync(STORED_S)
        yield wiring
    finally:
        wiring.pipeline.close()
        wiring.log.close()


def scan(wiring: Wiring, raw: float) -> None:
    (group,) = wiring.plant.groups
    found = Scan(raw=np.full(group.count, raw), quality=np.zeros(group.count, dtype=np.uint32))
    wiring.pipeline.take(group, found, wiring.clock.boot_ns())
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


async def test_what_was_stored_is_not_judged_again(tmp_path: Path) -> None:
    plant, clock = make_plant(tags_each=1, tag={"h": 4}), VirtualClock()
    async with started(plant, tmp_path, clock) as first:
        scan(first, raw=5)
    clock.now_ns += 60 * S
    async with started(plant, tmp_path, clock) as second:
        before = second.pipeline.ledger.events
        scan(second, raw=5)
        assert second.pipeline.ledger.events == before
