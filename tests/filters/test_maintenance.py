"""Maintenance of devices and tags: readings are flagged, it ends by itself, and a restart changes nothing."""

from __future__ import annotations

from typing import Any

from config.vocabulary import FLAGS_MASK, Flag
from filters.holds import Hold
from tests.filters.rig import Rig, S, plant, tag, told


def rig(**row: Any) -> Rig:
    return Rig(plant(tag("a", **row), tag("b"), tag("c", device="other"), periods={"fast": "1s"}))


def hold(until_s: float, *, since_s: float = 0, flags: Flag = Flag.MAINTENANCE) -> Hold:
    return Hold(
        since_ns=round(since_s * S), until_ns=round(until_s * S), who="wang", why="换滤袋", flags=int(flags)
    )


def flags(line: Rig) -> list[int]:
    return (line.engine.image.quality & FLAGS_MASK).tolist()


def scan(line: Rig, at_s: float) -> None:
    line.scan(at_s, line.group("plc"), a=1, b=1)
    line.scan(at_s, line.group("other"), c=1)


def test_the_readings_of_a_device_are_flagged_until_its_maintenance_ends_by_itself() -> None:
    line = rig()
    line.engine.maintenance.begin("plc", hold(3.5))
    scan(line, 1)
    assert flags(line) == [Flag.MAINTENANCE, Flag.MAINTENANCE, 0]
    assert line.due_s <= 3.5
    line.judge(3.6)
    assert told(line.events) == [("maintenance_ended", "plc", 3.5)]
    ended = {"user": "wang", "why": "换滤袋", "held_ms": 3500, "because": "time_over"}
    assert line.events[0].figures == ended
    scan(line, 4)
    assert flags(line) == [0, 0, 0]


def test_a_tag_and_its_device_may_be_worked_on_at_once_and_end_one_after_the_other() -> None:
    line = rig()
    line.engine.maintenance.begin("plc", hold(3))
    line.engine.maintenance.begin("a", hold(9, flags=Flag.MAINTENANCE | Flag.CALIBRATION))
    scan(line, 1)
    assert flags(line) == [Flag.MAINTENANCE | Flag.CALIBRATION, Flag.MAINTENANCE, 0]
    scan(line, 3)
    assert flags(line) == [Flag.MAINTENANCE | Flag.CALIBRATION, 0, 0]
    line.engine.maintenance.end("a", 4 * S)
    scan(line, 5)
    assert flags(line) == [0, 0, 0]
    assert line.events[-1].figures["because"] == "by_hand"


def test_maintenance_is_told_to_end_at_its_own_instant_when_nobody_judged_in_time() -> None:
    line = rig()
    line.engine.maintenance.begin("a", hold(2.5))
    scan(line, 1)
    scan(line, 2)
    scan(line, 9)
    assert told(line.events) == [("maintenance_ended", "a", 2.5)]
    assert flags(line) == [0, 0, 0]


def test_maintenance_goes_on_across_a_restart_and_in_another_boot_with_what_was_left_of_it() -> None:
    first = rig()
    first.engine.maintenance.begin("plc", hold(100))
    scan(first, 60)
    for same_boot, ends_s in ((True, 100), (False, 50)):
        second = rig()
        second.engine.restore(first.engine.state(), (70 if same_boot else 10) * S, same_boot=same_boot)
        second.judge(ends_s - 0.1)
        assert second.events == []
        second.judge(ends_s)
        assert told(second.events) == [("maintenance_ended", "plc", ends_s)]


def test_what_no_longer_exists_is_not_worked_on() -> None:
    first = rig()
    first.engine.maintenance.begin("c", hold(100))
    second = Rig(plant(tag("a")))
    second.engine.restore(first.engine.state(), 0, same_boot=True)
    assert second.engine.maintenance.holds.items() == []
