"""What an interlock says while it is withheld is told when nothing withholds it; so are ends of what was."""

from __future__ import annotations

from typing import Any

import pytest

from config.vocabulary import EventKind, Flag
from filters.event import Event
from filters.holds import Hold
from filters.kernels import Kernels
from tests.filters.cut import CUT, NORMAL
from tests.filters.rig import Rig, S, plant, tag

READY = {"ready_when": {"tag": "ok", "equals": 1}}


def rig(kernels: Kernels | None = None, **changes: Any) -> Rig:
    rows = [tag(name) for name in (*NORMAL, "ok")]
    return Rig(plant(*rows, interlocks=(CUT | READY | changes,), periods={"fast": "500ms"}), kernels)


def feed(line: Rig, since: float, until: float, **changes: Any) -> None:
    for half in range(round(since * 2), round(until * 2) + 1):
        line.scan(half / 2, **({**NORMAL, "ok": 1} | changes))


def hold(since_s: float, until_s: float) -> Hold:
    span = {"since_ns": round(since_s * S), "until_ns": round(until_s * S)}
    return Hold(who="wang", why="试验", flags=Flag.MAINTENANCE, **span)


def withhold(line: Rig, how: str, since_s: float, until_s: float) -> None:
    if how == "muted":
        line.engine.witnesses.mutes.put("cut", hold(since_s, until_s))
    else:
        line.engine.maintenance.begin("plc", hold(since_s, until_s))


def heard(line: Rig) -> list[tuple[str, float]]:
    """What is told of the interlock: kind, and when it became true."""
    of_it = [event for event in line.events if event.kind.value.startswith("interlock")]
    return [(event.kind.value, event.boot_ns / S) for event in of_it if event.withheld is None]


def last(line: Rig, kind: EventKind) -> Event:
    return [event for event in line.events if event.kind is kind][-1]


STANDS = [
    ({"off": 1}, EventKind.INTERLOCK_BYPASSED, 2),
    ({"p": 1}, EventKind.INTERLOCK_FAILED, 5.5),
    ({"ok": 0}, EventKind.INTERLOCK_NOT_READY, 2),
]


@pytest.mark.parametrize("how", ["muted", "maintenance"])
@pytest.mark.parametrize(("change", "kind", "since_s"), STANDS)
def test_what_still_stands_when_nothing_withholds_it_is_told_then(
    kernels: Kernels, how: str, change: dict[str, Any], kind: EventKind, since_s: float
) -> None:
    line = rig(kernels)
    feed(line, 0, 1)
    withhold(line, how, 1, 10)
    feed(line, 1.5, 1.5)
    feed(line, 2, 9.5, **change)
    assert heard(line) == [("interlock_armed", 0)]
    feed(line, 10, 12, **change)
    told = last(line, kind)
    assert (told.withheld, told.boot_ns, told.scan_boot_ns) == (None, since_s * S, 10 * S)
    assert told.figures["no_longer"] == how
    assert heard(line).count((kind.value, since_s)) == 1


@pytest.mark.parametrize("how", ["muted", "maintenance"])
@pytest.mark.parametrize(
    ("change", "end"),
    [
        ({"off": 1}, "interlock_bypass_ended"),
        ({"p": 1}, "interlock_cleared"),
        ({"ok": 0}, "interlock_ready"),
    ],
)
def test_the_end_of_what_was_told_is_told_although_it_is_withheld_by_then(
    how: str, change: dict[str, Any], end: str
) -> None:
    line = rig()
    feed(line, 0, 1.5)
    feed(line, 2, 7, **change)
    withhold(line, how, 7, 99)
    feed(line, 7.5, 9)
    assert (end, 7.5) in heard(line)


def test_what_began_and_ended_while_it_was_withheld_is_not_told() -> None:
    line = rig()
    feed(line, 0, 1)
    withhold(line, "muted", 1, 20)
    feed(line, 1.5, 4, off=1)
    feed(line, 4.5, 25)
    assert heard(line) == [("interlock_armed", 0), ("interlock_mute_ended", 20), ("interlock_armed", 4.5)]


def test_a_failure_whose_effect_is_in_maintenance_is_told_when_that_ends() -> None:
    line = rig()
    feed(line, 0, 1)
    line.engine.maintenance.begin("valve", hold(1, 10))
    feed(line, 1.5, 12, p=1)
    assert heard(line)[1:] == [("interlock_demand", 1.5), ("interlock_failed", 5)]
    feed(line, 12.5, 13)
    assert heard(line)[-1] == ("interlock_cleared", 12.5)


def test_what_is_withheld_is_told_after_a_restart_that_nothing_withholds() -> None:
    line = rig()
    feed(line, 0, 1)
    withhold(line, "muted", 1, 10)
    feed(line, 1.5, 4, off=1)
    after = rig()
    after.events += after.engine.restore(line.engine.state(), 20 * S, same_boot=True)
    feed(after, 20.5, 21, off=1)
    assert ("interlock_bypassed", 1.5) in heard(after)


def test_what_is_told_at_last_is_in_the_proof_log_once() -> None:
    line = rig()
    feed(line, 0, 1)
    withhold(line, "muted", 1, 10)
    feed(line, 1.5, 12, p=1)
    (found,) = line.engine.interlocks()
    assert [entry.kind for entry in found.history].count(EventKind.INTERLOCK_FAILED) == 1
    assert (found.demands, found.failed) == (1, 1)


def test_a_demand_that_was_a_test_is_no_failure() -> None:
    line = rig()
    feed(line, 0, 1)
    line.engine.maintenance.begin("p", hold(1, 99))
    feed(line, 1.5, 8, p=1)
    feed(line, 8.5, 10)
    (found,) = line.engine.interlocks()
    assert (found.demands, found.failed, found.failed_since_proof) == (1, 0, 0)
    assert last(line, EventKind.INTERLOCK_FAILED).withheld == "maintenance"


def test_a_failure_that_still_stands_after_the_work_is_one() -> None:
    line = rig()
    feed(line, 0, 1)
    line.engine.maintenance.begin("p", hold(1, 10))
    feed(line, 1.5, 12, p=1)
    (found,) = line.engine.interlocks()
    assert (found.failed, found.failed_since_proof) == (1, 1)


def test_a_proof_ends_the_concern_about_the_failures_before_it() -> None:
    line = rig()
    feed(line, 0, 1)
    feed(line, 1.5, 8, p=1)
    feed(line, 8.5, 10)
    assert line.engine.interlocks()[0].failed_since_proof == 1
    feed(line, 10.5, 11, p=1)
    feed(line, 11.5, 14, p=1, valve=1)
    (found,) = line.engine.interlocks()
    assert (found.failed, found.failed_since_proof) == (1, 0)
