"""What one witness says keeps its order, also where an event is dated back."""

from __future__ import annotations

from filters.kernels import Kernels
from tests.filters.cut import rig, run

LATE = {"cause": {"tag": "p", "below": 2, "on_delay": "2s"}, "skew": "0s"}


def test_a_demand_since_the_end_of_a_bypass_comes_after_the_end_of_the_one_before(kernels: Kernels) -> None:
    line = rig(kernels, **LATE)
    steps = [(2.0, {"p": 1}), (4, {"off": 1}), (5, {"p": 5}), (5.5, {"p": 1}), (6, {"off": 0})]
    open_demands = 0
    for kind, _, _ in run(line, *steps, (12, {"p": 5})):
        open_demands += {"interlock_demand": 1, "interlock_cleared": -1}.get(kind, 0)
        assert open_demands in (0, 1)
    assert open_demands == 0


def test_a_mode_that_was_kept_back_by_a_demand_is_told_after_its_end(kernels: Kernels) -> None:
    events = run(rig(kernels, **LATE), (2.0, {"p": 1}), (4.5, {"run": 0}), (5, {"valve": 1}))
    (_, _, cleared_s), (kind, _, disarmed_s) = events[-2:]
    assert (kind, disarmed_s) == ("interlock_disarmed", cleared_s)
