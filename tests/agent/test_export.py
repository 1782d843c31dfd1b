"""The log as rows: complete, as recorded, dated by the newest clock, beside a running agent."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path

from click.testing import CliRunner

from agent.anchor import pack_anchor
from agent.cli.buffer_export import export
from agent.export import Archive, Scanned, Span
from agent.past import take_up
from agent.wiring import Wiring
from config.vocabulary import NOT_YET_READ, RecordKind, Stream
from tests.agent.plants import make_plant
from tests.agent.rig import STORED_S, forwarding_plant, take, wired
from tests.virtual import VirtualClock

S = 10**9


def everything(state: Path, span: Span = Span()) -> list[Scanned]:  # noqa: B008 - it is frozen
    archive = Archive(state / "log")
    found = list(archive.scans(span, archive.matching(["*"])))
    assert archive.unreadable == 0
    return found


def keep_anchor(wiring: Wiring) -> None:
    """Do what the heartbeat does when the clock has changed."""
    wiring.timebase.update()
    anchor = pack_anchor(wiring.timebase.anchor)
    now = wiring.clock.boot_ns()
    wiring.log.append(Stream.EVENTS, RecordKind.ANCHOR, anchor, first_boot_ns=now, last_boot_ns=now)
    wiring.log.sync(STORED_S)


async def test_what_was_read_before_the_clock_was_set_is_dated_right_afterwards(tmp_path: Path) -> None:
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)  # by which the log dates what it adds itself
    clock = VirtualClock(now_ns=now_ns, utc_offset_ns=1_768_000_000 * S, vouched=False)
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        take_up(wiring)
        for number in range(3):
            take(wiring, [number, math.nan], quality=NOT_YET_READ)
            clock.now_ns += 60 * S
        wiring.log.sync(STORED_S)
        first_ns = now_ns + clock.utc_offset_ns
        assert [(scan.utc_ns, scan.synchronised) for scan in everything(tmp_path)] == [
            (first_ns + 60 * n * S, False) for n in range(3)
        ]
        clock.utc_offset_ns, clock.vouched = 1_795_334_400 * S, True
        keep_anchor(wiring)
        found = everything(tmp_path)
        right_ns = now_ns + clock.utc_offset_ns
        assert [(scan.utc_ns, scan.synchronised) for scan in found] == [
            (right_ns + 60 * n * S, True) for n in range(3)
        ]
        assert [scan.rows.raw[0] for scan in found] == [0, 1, 2]
        assert found[0].rows.quality.tolist() == [NOT_YET_READ] * 2
        assert [facts.name for facts in found[0].facts] == ["plc_0", "plc_1"]


async def test_a_span_of_time_and_a_choice_of_tags_are_exact(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(make_plant(devices=("a", "b")), tmp_path, clock) as wiring:
        take_up(wiring)
        for number in range(10):
            take(wiring, [number, number])
            take(wiring, [number, number], group=1)
            clock.now_ns += S
    start_ns = clock.utc_ns() - 10 * S
    archive = Archive(tmp_path / "log")
    assert archive.matching(["nothing"]) == frozenset()
    wanted = archive.matching(["b_*", "a_1"])
    assert wanted == {"b_0", "b_1", "a_1"}
    found = list(archive.scans(Span(start_ns + 2 * S, start_ns + 4 * S), wanted))
    assert [([facts.name for facts in scan.facts], scan.rows.raw.tolist()) for scan in found] == [
        (names, [n] * len(names)) for n in (2, 3, 4) for names in (["a_1"], ["b_0", "b_1"])
    ]


async def test_runs_of_different_plants_keep_their_own_tags(tmp_path: Path) -> None:
    clock = VirtualClock()
    for device in ("old", "new"):
        async with wired(make_plant(devices=(device,)), tmp_path, clock) as wiring:
            take_up(wiring)
            take(wiring, [1, 2])
            clock.now_ns += S
    assert [scan.facts[0].name for scan in everything(tmp_path)] == ["old_0", "new_0"]


async def test_what_the_black_box_kept_is_exported_with_its_event(tmp_path: Path) -> None:
    clock = VirtualClock()
    box = {"before": "3s", "after": "2s"}
    plant = forwarding_plant(tag={"h": 2000, "deadband": {"absolute": 1e5}}, black_box=box, tags_each=2)
    async with wired(plant, tmp_path, clock) as wiring:
        take_up(wiring)
        start_ns = clock.utc_ns()
        for number in range(20):
            take(wiring, [3000.0 if number == 10 else 0.0, number])
            await clock.run_until(clock.boot_ns() + S)
        wiring.log.sync(STORED_S)
        archive = Archive(tmp_path / "log")
        found = list(archive.windows(Span(), frozenset({"plc_1"})))
        late = list(archive.windows(Span(since_ns=start_ns + 11 * S), frozenset({"plc_1"})))
        shown = CliRunner().invoke(export, ["--windows", "--tags", "plc_1", "--state", str(tmp_path)])
    assert archive.unreadable == 0
    assert [window.scan.rows.raw.tolist() for window in found] == [[number] for number in range(7, 13)]
    assert [window.scan.utc_ns for window in found] == [start_ns + number * S for number in range(7, 13)]
    assert {(window.rule, window.event_utc_ns) for window in found} == {("plc_0.H", start_ns + 10 * S)}
    assert [window.scan.rows.raw.tolist() for window in late] == [[11], [12]]
    table = list(csv.reader(shown.stdout.splitlines()))
    assert table[0][:5] == ["rule", "event", "time", "clock", "tag"]
    assert [(row[0], row[4], row[8]) for row in table[1:]] == [
        ("plc_0.H", "plc_1", str(number)) for number in range(7, 13)
    ]
