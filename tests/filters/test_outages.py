"""What cannot be read: it ends no alarm, and no delay, window or counter takes it for something seen."""

from __future__ import annotations

import pytest

from config.vocabulary import Reason, bad
from filters.kernels import Kernels
from tests.filters.rig import Rig, plant, tag, told

TIMEOUT = bad(Reason.TIMEOUT)


def rule(when: str, kernels: Kernels, **row: object) -> Rig:
    return Rig(plant(tag("x", **row), alarms={"r": {"when": when, "fault_delay": "2h"}}), kernels)


def test_an_off_delay_goes_on_where_a_lost_scan_had_stopped_it(kernels: Kernels) -> None:
    line = Rig(plant(tag("x", hh=10, off_delay="10s")), kernels)
    for second in range(60):
        value = 20 if second < 5 else 1
        line.scan(second, x=(value, TIMEOUT) if second % 8 == 7 else value)
    assert told(line.events) == [("alarm_raised", "x.HH", 0.0), ("alarm_cleared", "x.HH", 17.0)]


def test_a_long_outage_is_no_part_of_an_off_delay(kernels: Kernels) -> None:
    line = Rig(plant(tag("x", h=10, off_delay="10s")), kernels)
    line.scan(0, x=20)
    line.scan(1, x=1)
    for second in range(2, 600):
        line.scan(second, x=(1, TIMEOUT))
    for second in range(600, 620):
        line.scan(second, x=1)
    assert told(line.events)[-1] == ("alarm_cleared", "x.H", 609.0)


def test_a_limit_met_again_after_a_paused_off_delay_is_the_same_alarm(kernels: Kernels) -> None:
    line = Rig(plant(tag("x", h=10, off_delay="4s")), kernels)
    for second, value in enumerate((20, 1, (1, TIMEOUT), 20, 1, 1, 1, 1, 1)):
        line.scan(second, x=value)
    assert told(line.events) == [("alarm_raised", "x.H", 0.0), ("alarm_cleared", "x.H", 8.0)]


def test_an_on_delay_goes_on_while_nothing_can_be_read_and_ends_with_what_can(kernels: Kernels) -> None:
    line = Rig(plant(tag("x", h=10, on_delay="4s")), kernels)
    for second, value in enumerate((1, 20, (1, TIMEOUT), (1, TIMEOUT), (1, TIMEOUT), (1, TIMEOUT), 20)):
        line.scan(second, x=value)
    assert told(line.events) == [("alarm_raised", "x.H", 6.0)]


@pytest.mark.parametrize(
    ("when", "value", "true_s"),
    [
        ("on_for(x > 5, 60s)", 7, 156.0),
        ("stuck(x, 0, 60s)", 7, 155.0),
        ("not off_for(x < 5, 60s)", 7, 156.0),
    ],
)
def test_what_must_last_does_not_last_while_it_cannot_be_read(
    kernels: Kernels, when: str, value: float, true_s: float
) -> None:
    """Seen for 5 s, out of sight for 95 s, and seen again."""
    line = rule(when, kernels)
    line.scan(0, x=value if "stuck" in when else 1)
    for second in range(1, 200):
        line.scan(second, x=(value, TIMEOUT) if 6 <= second < 101 else value)
    assert told(line.events)[:1] == [("alarm_raised", "r", true_s)]


def test_a_lost_scan_makes_a_delay_longer_by_itself_and_no_more(kernels: Kernels) -> None:
    line = rule("on_for(x > 5, 10s)", kernels)
    line.scan(0, x=1)
    for second in range(1, 30):
        line.scan(second, x=(7, TIMEOUT) if second == 5 else 7)
    assert told(line.events) == [("alarm_raised", "r", 12.0)]


def test_what_a_counter_counted_out_of_sight_is_not_what_came_in_the_last_minute(kernels: Kernels) -> None:
    line = rule("increase(x, 60s) >= 3", kernels)
    for second in range(10):
        line.scan(second, x=100)
    for second in range(10, 3600):
        line.scan(second, x=(0, TIMEOUT))
    for second in range(3600, 3605):
        line.scan(second, x=150)
    assert told(line.events) == []
    line.scan(3605, x=153)
    assert told(line.events) == [("alarm_raised", "r", 3605.0)]


def test_what_a_counter_counted_during_a_lost_scan_counts(kernels: Kernels) -> None:
    line = rule("increase(x, 60s) >= 3", kernels)
    for second, value in enumerate((100, 100, (0, TIMEOUT), 103)):
        line.scan(second, x=value)
    assert told(line.events) == [("alarm_raised", "r", 3.0)]


@pytest.mark.parametrize("b_s", [1.0, 0.9], ids=["at the same instant", "scanned earlier, come later"])
def test_a_peak_of_an_input_that_is_no_newer_than_another_is_kept_in_the_window(
    kernels: Kernels, b_s: float
) -> None:
    made = plant(
        tag("a"),
        tag("b", scan_class="quick"),
        periods={"quick": "500ms"},
        alarms={"r": {"when": "max(a - b, 5s) > 5", "skew": "2s"}},
    )
    line = Rig(made, kernels)
    slow, quick = line.group(), line.group(scan_class="quick")
    for half in range(2, 24):
        at_s = half / 2
        if half % 2 == 0:
            line.scan(at_s, slow, a=0)
        peak = half == 8
        line.scan(at_s - 1 + b_s if peak else at_s, quick, b=-20 if peak else 0)
    (_, _, rose_s), (_, _, fell_s) = told(line.events)
    assert fell_s - rose_s == pytest.approx(5.0, abs=0.6)


@pytest.mark.parametrize(
    ("when", "true_s"), [("age(x) > 30s", 35.0), ("on_for(bad(x), 5s)", 12.0)], ids=["age", "bad"]
)
def test_what_time_alone_makes_true_is_told_though_no_scan_comes_any_more(
    kernels: Kernels, when: str, true_s: float
) -> None:
    """The last scan at 4 s, stale at 7 s."""
    line = rule(when, kernels)
    for second in range(5):
        line.scan(second, x=1)
    while line.due_s < 60:
        line.judge(line.due_s)
    assert told(line.events) == [("alarm_raised", "r", true_s)]


def test_what_was_never_read_gets_old_as_well(kernels: Kernels) -> None:
    line = rule("on_for(bad(x), 5s)", kernels)
    line.judge(0)
    while line.due_s < 60:
        line.judge(line.due_s)
    assert told(line.events) == [("alarm_raised", "r", 5.0)]


def test_a_plant_without_expressions_is_not_looked_at_again_and_again(kernels: Kernels) -> None:
    line = Rig(plant(tag("x", h=5)), kernels)
    line.scan(0, x=1)
    line.judge(line.due_s)
    assert line.due_s == float("inf")
