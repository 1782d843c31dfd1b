"""What becomes of an effect after the verdict: it comes late, or it goes while the cause stands."""

from __future__ import annotations

from typing import Any

import pytest

from filters.event import Event
from filters.kernels import Kernels
from tests.filters.cut import rig, run
from tests.filters.rig import Rig


def end(line: Rig) -> Event:
    (cleared,) = [event for event in line.events if event.kind.value == "interlock_cleared"]
    return cleared


def test_the_time_of_an_effect_that_came_after_the_failure_is_told_with_the_end(kernels: Kernels) -> None:
    line = rig(kernels)
    run(line, (2.0, {"p": 1}), (9, {"valve": 1}), (12, {"p": 5}))
    cleared = end(line)
    assert cleared.figures["effect"] == "valve"
    assert (cleared.figures["elapsed_min_ms"], cleared.figures["elapsed_max_ms"]) == (6500, 7500)
    assert (cleared.figures["budget_ms"], cleared.figures["because"]) == (3000, "late")
    history = line.engine.interlocks()[0].history
    assert [entry.kind.value for entry in history] == ["interlock_failed", "interlock_cleared"]


def test_an_effect_that_never_came_has_no_time() -> None:
    line = rig()
    run(line, (2.0, {"p": 1}), (12, {"p": 5}))
    assert set(end(line).figures) == {"demand_ms"}


def test_of_several_effects_each_late_one_has_its_time() -> None:
    effects = [{"tag": "valve", "equals": 1, "within": "3s"}, {"tag": "off", "equals": 1, "within": "4s"}]
    line = rig(effects=effects, bypassed_when=None)
    run(line, (2.0, {"p": 1}), (8, {"valve": 1}), (10, {"off": 1}), (12, {"p": 5}))
    figures = end(line).figures
    assert (figures["valve.elapsed_max_ms"], figures["off.elapsed_max_ms"]) == (6500, 8500)


def test_an_effect_that_came_in_its_own_time_after_another_had_failed_is_not_late() -> None:
    effects = [{"tag": "valve", "equals": 1, "within": "3s"}, {"tag": "off", "equals": 1, "within": "9s"}]
    line = rig(effects=effects, bypassed_when=None)
    run(line, (2.0, {"p": 1}), (8, {"off": 1}), (12, {"p": 5}))
    assert set(end(line).figures) == {"demand_ms"}


@pytest.mark.parametrize(
    ("steps", "not_held"),
    [
        ([(3, {"valve": 1}), (3.5, {"valve": 0}), (12, {"p": 5})], "valve"),
        ([(3, {"valve": 1}), (8, {"valve": 0}), (9, {"valve": 1}), (12, {"p": 5})], "valve"),
        ([(3, {"valve": 1}), (12, {"p": 5, "valve": 0})], None),
        ([(3, {"valve": 1}), (12, {"valve": 0}), (12.5, {"p": 5})], None),
        ([(3, {"valve": 1}), (12, {"p": 5})], None),
    ],
)
def test_an_effect_that_went_while_the_cause_stood_was_not_held(
    steps: list[tuple[float, dict[str, Any]]], not_held: str | None
) -> None:
    line = rig()
    run(line, (2.0, {"p": 1}), *steps)
    assert end(line).figures.get("not_held") == not_held
    assert line.engine.interlocks()[0].proven == 1
