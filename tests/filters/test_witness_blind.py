"""The witness, where an input of an interlock cannot be read: nothing is proven, and it says so."""

from __future__ import annotations

from typing import Any

import pytest

from config.vocabulary import EventKind, WitnessState
from filters.kernels import Kernels
from tests.filters.cut import BAD, CUT, NORMAL, rig, run, split_rig, state
from tests.filters.rig import Rig, plant, tag, told

ABSENT = [
    pytest.param(lambda now, name: now | {name: (9, BAD)}, id="bad"),
    pytest.param(lambda now, name: {key: at for key, at in now.items() if key != name}, id="missing"),
]


def play(
    line: Rig, name: str, how: str, script: list[tuple[float, dict[str, Any]]], until: float, lost_at: float
) -> list[tuple[str, str, float]]:
    """Play a script; the input `name` is lost from `lost_at` on: bad, stale (no scan at all) or missing."""
    now = dict(NORMAL)
    for half in range(round(until * 2)):
        at = half / 2
        for second, change in script:
            if second == at:
                now |= change
        lost = how == "missing" or at >= lost_at
        if not lost:
            line.scan(at, line.group("other"), **now)
        elif how == "bad":
            line.scan(at, line.group("other"), bad=BAD)
        line.scan(at, line.group("plc"), **now)
    return told(line.events)


@pytest.mark.parametrize("how", ["bad", "stale", "missing"])
@pytest.mark.parametrize("name", ["p", "valve", "run", "off"])
def test_an_input_that_cannot_be_read_makes_the_interlock_unknown(name: str, how: str) -> None:
    line = split_rig(None, name)
    play(line, name, how, [], until=10, lost_at=3)
    assert state(line) is WitnessState.UNKNOWN
    unknown = line.events[-1]
    assert unknown.kind is EventKind.INTERLOCK_UNKNOWN
    since = {"bad": 3, "stale": 2.5 + 1.5, "missing": 0}[how]
    assert unknown.boot_ns == round(since * 1e9)
    assert unknown.scan_boot_ns == round((since + 1) * 1e9)
    assert [seen.tag for seen in unknown.evidence] == [line.plant.number_of[name]]


@pytest.mark.parametrize("how", ["bad", "stale", "missing"])
@pytest.mark.parametrize("name", ["p", "run", "off"])
def test_no_demand_is_seen_through_an_input_that_cannot_be_read(name: str, how: str) -> None:
    line = split_rig(None, name)
    events = play(line, name, how, [(6, {"p": 1}), (7, {"valve": 1})], until=20, lost_at=3)
    assert "interlock_demand" not in {kind for kind, *_ in events}
    assert "interlock_proven" not in {kind for kind, *_ in events}
    assert "interlock_spurious" not in {kind for kind, *_ in events}


@pytest.mark.parametrize("how", ["bad", "stale", "missing"])
def test_a_demand_whose_effect_cannot_be_read_is_told_and_ends_unknown(how: str) -> None:
    line = split_rig(None, "valve")
    events = play(line, "valve", how, [(6, {"p": 1}), (7, {"valve": 1})], until=15, lost_at=3)
    assert events[-2:] == [("interlock_demand", "cut", 6), ("interlock_unknown", "cut", 6 + 3 + 1)]
    assert state(line) is WitnessState.UNKNOWN


@pytest.mark.parametrize(("valve", "verdict"), [(0, "interlock_failed"), (1, "interlock_indeterminate")])
def test_an_unknown_verdict_is_replaced_when_the_effect_can_be_read_again(valve: int, verdict: str) -> None:
    line = rig()
    events = run(line, (3, {"valve": (0, BAD)}), (6, {"p": 1}), (15, {"valve": valve}))
    assert [kind for kind, *_ in events][-3:] == ["interlock_demand", "interlock_unknown", verdict]


def test_a_cause_that_turns_bad_neither_ends_nor_excuses_a_demand() -> None:
    line = rig()
    events = run(line, (5, {"p": 1}), (6, {"p": (0, BAD)}))
    assert events == [("interlock_demand", "cut", 5), ("interlock_failed", "cut", 8.5)]
    assert state(line) is WitnessState.FAILED


def test_a_bypass_flag_that_turns_bad_during_a_demand_excuses_a_missing_effect() -> None:
    line = rig()
    events = run(line, (5, {"p": 1}), (6, {"off": (0, BAD)}))
    assert events[:2] == [("interlock_demand", "cut", 5), ("interlock_indeterminate", "cut", 8.5)]
    assert line.events[2].figures["because"] == "bypass_unknown"


def test_a_bypass_flag_that_is_lost_for_a_scan_excuses_nothing(kernels: Kernels) -> None:
    events = run(rig(kernels), (5, {"p": 1}), (6, {"off": (0, BAD)}), (6.5, {"off": 0}))
    assert events == [("interlock_demand", "cut", 5), ("interlock_failed", "cut", 8.5)]


def test_a_demand_hidden_by_a_bad_stretch_is_told_late_and_cannot_be_proven() -> None:
    line = rig()
    steps = ((3, {"run": (1, BAD)}), (5, {"p": 1}), (6, {"valve": 1}), (12, {"run": 1}))
    events = run(line, *steps)
    assert ("interlock_demand", "cut", 5) in events
    assert events[-1] == ("interlock_proven", "cut", 6)


def test_a_single_lost_scan_is_not_told() -> None:
    line = rig()
    assert run(line, (5, {"valve": (0, BAD)}), (5.5, {"valve": 0})) == []


def test_a_disarmed_interlock_is_disarmed_whatever_else_cannot_be_read() -> None:
    line = rig()
    assert run(line, (5, {"run": 0}), (6, {"p": (0, BAD)})) == [("interlock_disarmed", "cut", 5)]
    assert state(line) is WitnessState.DISARMED


def test_a_cause_that_is_true_at_first_sight_can_fail_but_not_be_proven() -> None:
    line = rig()
    events = run(line, (0, {"p": 1}), (1, {"valve": 1}))
    assert events == [("interlock_demand", "cut", 0), ("interlock_indeterminate", "cut", 1)]
    assert "elapsed_max_ms" not in line.events[-1].figures


def test_a_missing_effect_fails_by_time_alone_if_its_next_scan_does_not_come() -> None:
    rows = [tag(name, device="other" if name == "valve" else "plc") for name in NORMAL]
    interlock = CUT | {"effects": [{"tag": "valve", "equals": 1, "within": "500ms"}]}
    periods = {"fast": "500ms"}
    line = Rig(plant(*rows, interlocks=(interlock,), periods=periods))
    line.scan(0, line.group("other"), **NORMAL)
    line.scan(0, line.group("plc"), **NORMAL)
    line.scan(0.4, line.group("other"), **NORMAL)
    line.scan(0.3, line.group("plc"), late_s=0.15, **(NORMAL | {"p": 1}))
    assert line.due_s == 0.3 + 0.5 + 1
    assert told(line.judge(1.85)) == [("interlock_failed", "cut", 1.8)]
