"""A bypass that is first seen by the very sample that shows the cause: nobody knows which came first."""

from __future__ import annotations

from filters.kernels import Kernels
from tests.filters.cut import rig, run


def test_a_cause_that_comes_with_the_bypass_is_a_demand_that_cannot_be_judged(kernels: Kernels) -> None:
    line = rig(kernels)
    assert run(line, (2.0, {"p": 1, "off": 1})) == [
        ("interlock_bypassed", "cut", 2),
        ("interlock_demand", "cut", 2),
        ("interlock_indeterminate", "cut", 5.5),
    ]
    assert line.events[3].figures["because"] == "bypassed_between_samples"


def test_its_effect_in_time_is_told_with_its_time_and_earns_no_proof() -> None:
    line = rig()
    run(line, (2.0, {"p": 1, "off": 1}), (3, {"valve": 1}))
    (verdict,) = [event for event in line.events if event.kind.value == "interlock_indeterminate"]
    assert verdict.figures["because"] == "bypassed_between_samples"
    assert verdict.figures["elapsed_max_ms"] == 1500
    assert line.engine.interlocks()[0].proven == 0


def test_it_is_demanded_anew_when_the_bypass_ends_and_nothing_has_acted() -> None:
    events = run(rig(), (2.0, {"p": 1, "off": 1}), (10, {"off": 0}))
    assert events[3:] == [
        ("interlock_bypass_ended", "cut", 10),
        ("interlock_cleared", "cut", 10),
        ("interlock_demand", "cut", 10),
        ("interlock_failed", "cut", 13.5),
    ]


def test_a_cause_that_is_seen_a_scan_after_the_bypass_is_no_demand() -> None:
    assert run(rig(), (2.0, {"off": 1}), (2.5, {"p": 1})) == [("interlock_bypassed", "cut", 2)]


def test_a_bypass_and_a_cause_that_are_there_at_first_sight_are_no_demand() -> None:
    assert run(rig(), (0, {"p": 1, "off": 1})) == [("interlock_bypassed", "cut", 0)]
