"""The wall clock's steps: told when they matter, however they come."""

from __future__ import annotations

import pytest

from agent.timebase import Timebase
from tests.virtual import VirtualClock

MS = 10**6


def steps_of(clock: VirtualClock, *steps_ms: int) -> list[int | None]:
    """Return what is told of steps, one a second."""
    timebase, told = Timebase(clock, "0" * 32), []
    for step_ms in steps_ms:
        clock.now_ns += 1000 * MS
        clock.utc_offset_ns += step_ms * MS
        step_ns = timebase.update()
        told.append(None if step_ns is None else step_ns // MS)
    return told


@pytest.mark.parametrize("step_ms", [500, 3_600_000, -500, -3_600_000])
def test_a_step_is_told_once(step_ms: int) -> None:
    assert steps_of(VirtualClock(), 0, step_ms, 0) == [None, step_ms, None]


def test_small_steps_are_told_when_together_they_are_half_a_second() -> None:
    assert steps_of(VirtualClock(), 200, 200, 200, 200, 200) == [None, None, 600, None, None]


def test_steps_that_take_each_other_back_are_not_told() -> None:
    assert steps_of(VirtualClock(), 400, -400, 400) == [None, None, None]


def test_the_anchor_is_the_newest_whatever_is_told() -> None:
    clock = VirtualClock()
    timebase = Timebase(clock, "0" * 32)
    clock.utc_offset_ns += 100 * MS
    assert timebase.update() is None
    assert timebase.anchor.utc_ns == clock.utc_ns()
