"""A disk that fails and returns: what the agent knows goes to memory and back with it, and it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.gap import GapCause
from agent.past import take_up
from agent.volatile import tell_medium
from config.text import text
from config.vocabulary import EventKind
from tests.agent.plants import make_plant
from tests.agent.rig import STORED_S, UPLINK, events, gaps, take, wired
from tests.virtual import VirtualClock

S = 10**9


@pytest.fixture(autouse=True)
def runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))


async def test_a_standing_alarm_outlives_the_way_into_memory_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uplinks = {UPLINK: {"type": "mqtt", "host": "127.0.0.1"}}
    plant, clock = make_plant(tags_each=1, tag={"h": 4}, uplinks=uplinks), VirtualClock()
    raised_ns = clock.boot_ns()
    async with wired(plant, tmp_path / "state", clock) as on_disk:
        take_up(on_disk)
        take(on_disk, [5])
        on_disk.log.sync(STORED_S)

    clock.now_ns += 60 * S
    with monkeypatch.context() as patch:
        patch.setattr("buffer.volatile.distrust", lambda *_: text("the disk is gone"))
        async with wired(plant, tmp_path / "state", clock) as in_memory:
            take_up(in_memory)
            tell_medium(in_memory)
            assert [alarm.since_boot_ns for alarm in in_memory.engine.alarms()] == [raised_ns]
            (told,) = [event for event in events(in_memory) if event.kind is EventKind.DEGRADED]
            assert told.text.en.endswith("readings are kept in memory only: the disk is gone")
            take(in_memory, [6])
            in_memory.log.sync(STORED_S)
    assert (tmp_path / "run" / "log").is_dir()

    clock.now_ns += 60 * S
    async with wired(plant, tmp_path / "state", clock) as healed:
        take_up(healed)
        tell_medium(healed)
        assert [alarm.since_boot_ns for alarm in healed.engine.alarms()] == [raised_ns]
        assert EventKind.DEGRADED_ENDED in {event.kind for event in events(healed)}
        assert gaps(healed)[-1].cause is GapCause.CLEAN_STOP
    assert not (tmp_path / "run" / "log").exists()


async def test_a_healthy_disk_is_no_news(tmp_path: Path) -> None:
    async with wired(make_plant(), tmp_path / "state", VirtualClock()) as wiring:
        take_up(wiring)
        before = wiring.pipeline.ledger.events
        tell_medium(wiring)
        assert wiring.pipeline.ledger.events == before
