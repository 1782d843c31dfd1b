"""A trip that disarms its own interlock between two samples: demanded, but nobody saw it armed."""

from __future__ import annotations

from filters.kernels import Kernels
from tests.filters.cut import rig, run


def test_a_trip_that_disarms_within_one_scan_is_a_demand(kernels: Kernels) -> None:
    line = rig(kernels)
    assert run(line, (2.0, {"p": 1, "run": 0})) == [
        ("interlock_demand", "cut", 2),
        ("interlock_indeterminate", "cut", 5.5),
        ("interlock_cleared", "cut", 5.5),
        ("interlock_disarmed", "cut", 5.5),
    ]
    assert line.events[2].figures["because"] == "disarmed_between_samples"


def test_its_effect_in_time_is_told_with_its_time_and_earns_no_proof() -> None:
    line = rig()
    run(line, (2.0, {"p": 1, "run": 0}), (3, {"valve": 1}))
    (verdict,) = [event for event in line.events if event.kind.value == "interlock_indeterminate"]
    assert verdict.figures["because"] == "disarmed_between_samples"
    assert verdict.figures["elapsed_max_ms"] == 1500
    assert line.engine.interlocks()[0].proven == 0


def test_it_is_demanded_anew_when_the_process_goes_on_and_nothing_has_acted() -> None:
    assert run(rig(), (2.0, {"p": 1, "run": 0}), (3, {"run": 1}))[1:] == [
        ("interlock_indeterminate", "cut", 5.5),
        ("interlock_cleared", "cut", 5.5),
        ("interlock_demand", "cut", 3),
        ("interlock_failed", "cut", 6.5),
    ]


def test_an_arming_that_is_held_for_a_while_lets_such_a_trip_be_proven() -> None:
    line = rig(armed_when={"when": "off_for(run > 0.5, 2s)"})
    run(line, (2.0, {"p": 1, "run": 0}), (3, {"valve": 1}))
    assert line.engine.interlocks()[0].proven == 1


def test_a_cause_that_is_seen_a_scan_after_the_process_ended_is_no_demand() -> None:
    assert run(rig(), (2.0, {"run": 0}), (2.5, {"p": 1})) == [("interlock_disarmed", "cut", 2)]
