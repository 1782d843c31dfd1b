"""What the black box keeps of an event, through the real engine and the real log."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from agent.blackbox.body import Window, unpack_window
from agent.blackbox.ring import ring_bytes
from agent.blackbox.scope import depths_of
from agent.concerns import concerns
from agent.dictionary import pack_tags, unpack_tags
from agent.findings import unpack_loss
from agent.wiring import Wiring
from config.plant import Plant
from config.vocabulary import RecordKind, Stream
from filters.report import SUPPRESSING_RULES
from tests.agent.rig import forwarding_plant, stored, take, this_boots_clock, wired
from tests.virtual import VirtualClock

S = 10**9


def plant(log: dict[str, str] | None = None, **black_box: Any) -> Plant:
    box = {"before": "5s", "after": "3s"} | black_box
    tag = {"h": 2000, "deadband": {"absolute": 1e5}}
    return forwarding_plant(tag=tag, black_box=box, tags_each=2, log=log or {})


async def watch(wiring: Wiring, clock: VirtualClock, readings: list[float]) -> None:
    """One scan a second: the tag that alarms reads what is given, its neighbour counts."""
    for count, reading in enumerate(readings):
        take(wiring, [reading, 1000 + count])
        await clock.run_until(clock.boot_ns() + S)


def windows(wiring: Wiring) -> list[Window]:
    dictionary = unpack_tags(pack_tags(wiring.plant, SUPPRESSING_RULES))
    records = stored(wiring, Stream.READINGS)
    return [unpack_window(r.body, dictionary) for r in records if r.kind is RecordKind.WINDOW]


def told(found: list[Window]) -> list[float]:
    """The neighbour's readings, in the order in which they were recorded."""
    return [reading for window in found for reading in window.scans.raw[:, 1].tolist()]


async def test_every_scan_around_an_alarm_is_recorded_though_reporting_is_thinned(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(plant(), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 20 + [3000.0] + [0.0] * 20)
        found = windows(wiring)
    assert told(found) == [1000 + count for count in range(15, 24)]
    assert {(window.rule, window.scans.first) for window in found} == {("plc_0.H", 0)}
    assert found[0].scans.raw[:, 0].tolist()[5] == 3000.0


async def test_a_second_event_prolongs_the_window_that_is_open(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(plant(), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 10 + [3000.0, 0.0, 3000.0] + [0.0] * 20)
        assert told(windows(wiring)) == [1000 + count for count in range(5, 16)]


async def test_two_events_far_apart_have_a_window_each(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(plant(), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 10 + [3000.0] + [0.0] * 20 + [3000.0] + [0.0] * 20)
        found = windows(wiring)
    assert len({window.event_boot_ns for window in found}) == 2
    assert told(found) == [1000 + n for n in (*range(5, 14), *range(26, 35))]


async def test_what_was_under_way_at_the_stop_is_recorded(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(plant(), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 10 + [3000.0])
        wiring.black_box.close()
        assert told(windows(wiring)) == [1000 + count for count in range(5, 11)]


async def test_an_alarm_of_less_than_the_asked_for_priority_opens_no_window(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(plant(priority="critical"), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 10 + [3000.0] + [0.0] * 10)
        assert windows(wiring) == []


async def test_a_long_window_is_recorded_in_bodies_that_fit_and_misses_nothing(tmp_path: Path) -> None:
    clock = VirtualClock()
    wide = forwarding_plant(
        tag={"h": 2e6, "type": "float64", "deadband": {"absolute": 1e9}},
        tags_each=900,
        black_box={"before": "60s", "after": "10s"},
    )
    rng = random.Random(7)
    async with wired(wide, tmp_path, clock) as wiring:
        for count in range(120):
            high = 3e6 if count == 80 else 0.0
            take(wiring, [high, float(count), *(rng.random() for _ in range(898))])
            await clock.run_until(clock.boot_ns() + S)
        assert told(windows(wiring)) == [float(count) for count in range(20, 91)]


@pytest.mark.parametrize("memory", ["1kB", "100kB", "16MB"])
def test_the_rings_keep_to_the_memory_that_they_are_given(memory: str) -> None:
    found = plant(memory=memory, before="1h")
    bytes_kept = sum(
        ring_bytes(group.count, depth)
        for group, depth in zip(found.groups, depths_of(found, found.description.black_box), strict=True)
    )
    assert bytes_kept <= found.description.black_box.memory


async def test_scans_that_nobody_had_time_to_record_are_told_as_a_loss(tmp_path: Path) -> None:
    clock = this_boots_clock()
    async with wired(plant(after="1000s"), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 10 + [3000.0])
        for count in range(11, 200):  # the loop gives the recorder no turn
            take(wiring, [0.0, 1000 + count])
            clock.now_ns += S
        await clock.run_until(clock.boot_ns() + S)
        wiring.black_box.close()
        missing = {1000.0 + count for count in range(5, 200)}.difference(told(windows(wiring)))
        assert len(missing) == wiring.black_box.lost_scans > 100
        losses = [unpack_loss(r.body) for r in stored(wiring, Stream.EVENTS) if r.kind is RecordKind.LOSS]
        assert {(loss.stream, loss.count, loss.readings, loss.cause) for loss in losses} == {
            ("readings", 1, 0, "pressure")
        }
        assert f"the black box lost {len(missing)} scans: this machine is too slow for it" in [
            concern.show("en") for concern in concerns(wiring, {})
        ]


async def test_a_window_waits_where_the_log_has_little_room_left_for_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm has everything stored at once, in a thread: that there is no room is held for a while."""
    clock = VirtualClock()
    log = {"cap": "1MB", "segment": "128kB", "commit_interval": "1h"}
    async with wired(plant(log=log), tmp_path, clock) as wiring:
        await watch(wiring, clock, [0.0] * 10)
        while wiring.log.has_room(Stream.READINGS):
            wiring.log.append(
                Stream.READINGS, RecordKind.DATA, bytes(8000), first_boot_ns=0, last_boot_ns=0, count=0
            )
        with monkeypatch.context() as held:
            held.setattr(wiring.log, "has_room", lambda _stream: False)
            take(wiring, [3000.0, 1010.0])
            await clock.advance(S)
            assert not windows(wiring)
        await clock.advance(S)
        assert told(windows(wiring)) == [1000 + count for count in range(5, 11)]
        assert wiring.black_box.lost_scans == 0


SERIES = {
    "series": {"gap": {"value": "plc_0 - other_0"}},
    "interlocks": [
        {
            "name": "cut",
            "cause": {"when": "gap > 1000", "on_delay": "0s"},
            "effects": [{"tag": "plc_1", "equals": 1, "within": "20s"}],
        }
    ],
}


async def test_an_interlock_whose_cause_is_computed_has_the_windows_of_all_that_it_rests_on(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    found = forwarding_plant(devices=("plc", "other"), tags_each=2, rules=SERIES)
    async with wired(found, tmp_path, clock) as wiring:
        for count in range(12):
            take(wiring, [3000.0 if count == 8 else 0.0, 0.0])
            take(wiring, [float(count), 7.0], group=1)
            await clock.run_until(clock.boot_ns() + S)
        wiring.black_box.close()
        assert {(window.rule, window.scans.first) for window in windows(wiring)} == {("cut", 0), ("cut", 2)}
