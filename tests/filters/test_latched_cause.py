"""A cause that the plant latches: its withdrawal excuses nothing, its pulses are one demand."""

from __future__ import annotations

from typing import Any

import pytest

from filters.kernels import Kernels
from tests.filters.cut import CUT, rig, run

LATCHED: dict[str, Any] = {"cause": CUT["cause"] | {"latched": True}}
PULSE = ((2.0, {"p": 1}), (2.5, {"p": 5}))


def test_a_pulse_of_a_latched_cause_whose_effect_is_missing_is_a_failure(kernels: Kernels) -> None:
    assert run(rig(kernels, **LATCHED), *PULSE) == [
        ("interlock_demand", "cut", 2),
        ("interlock_failed", "cut", 5.5),
        ("interlock_cleared", "cut", 5.5),
    ]


def test_a_pulse_of_a_cause_that_is_not_latched_is_excused() -> None:
    assert ("interlock_indeterminate", "cut", 5.5) in run(rig(), *PULSE)


def test_a_pulse_of_a_latched_cause_whose_effect_comes_in_time_is_proven() -> None:
    line = rig(**LATCHED)
    assert ("interlock_proven", "cut", 4) in run(line, *PULSE, (4, {"valve": 1}))


@pytest.mark.parametrize("half_period_s", [0.5, 1.0, 2.0, 3.0])
def test_a_latched_cause_that_oscillates_without_effect_fails(half_period_s: float) -> None:
    edges = [(2 + number * half_period_s, {"p": 5 if number % 2 else 1}) for number in range(20)]
    events = run(rig(**LATCHED), *edges)
    kinds = [kind for kind, _, _ in events]
    assert "interlock_failed" in kinds
    assert "interlock_indeterminate" not in kinds
    assert kinds == ["interlock_demand", "interlock_failed", "interlock_cleared"] * kinds.count(
        "interlock_failed"
    )
    assert events[1] == ("interlock_failed", "cut", 5.5)


def test_the_pulses_of_a_latched_cause_until_the_verdict_are_one_demand() -> None:
    edges = [(2, {"p": 1}), (2.5, {"p": 5}), (3, {"p": 1}), (3.5, {"p": 5}), (4, {"valve": 1})]
    assert [kind for kind, _, _ in run(rig(**LATCHED), *edges)] == [
        "interlock_demand",
        "interlock_proven",
        "interlock_cleared",
    ]
