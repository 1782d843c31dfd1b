"""The swinging door: what is recorded gives the rest back within the deadband, and nothing is held long."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.vocabulary import Reason, bad
from filters.kernels import Kernels
from filters.report import SUPPRESSING_RULES
from tests.filters.rig import Rig, S, plant, tag

BAND = 0.5
Reading = tuple[float, float, int]
"""Seconds, value and quality."""


def recorded(kernels: Kernels, readings: list[Reading], **row: Any) -> list[Reading]:
    """What of these readings is recorded, in the order in which it is."""
    given = {"deadband": {"absolute": BAND}, "report": "swinging_door", "max_delay": "1h", "heartbeat": "10h"}
    line = Rig(plant(tag("t", **given | row)), kernels)
    group, found, counted = line.plant.groups[0], [], 0
    for scanned, (at_s, number, word) in enumerate(readings, 1):
        line.engine.condition(group, np.array([number]), np.array([word], np.uint32), round(at_s * S))
        line.engine.judge(round(at_s * S))
        report = line.engine.report(group, round(at_s * S))
        if report.late is not None:
            late = report.late
            found.append((late.boot_ns / S, float(late.value[0]), int(late.quality[0])))
        if report.selected[0]:
            found.append((at_s, line.value("t"), line.quality("t")))
        counted += report.recorded + sum(report.suppressed)
        assert counted == scanned
    return found


def good(*numbers: float) -> list[Reading]:
    return [(float(second), number, 0) for second, number in enumerate(numbers)]


def test_a_straight_line_is_its_two_ends(kernels: Kernels) -> None:
    line = [*(2.0 * second for second in range(20)), 0.0]
    assert recorded(kernels, good(*line)) == [(0.0, 0.0, 0), (19.0, 38.0, 0)]


def test_a_step_is_recorded_with_what_was_before_it(kernels: Kernels) -> None:
    found = recorded(kernels, good(0, 0, 0, 0, 9, 9, 9, 0))
    assert [(at_s, value) for at_s, value, _ in found] == [(0, 0), (3, 0), (4, 9), (6, 9)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.floats(-3, 3), st.sampled_from([0.2, 1.0, 1.0, 2.5])), min_size=2, max_size=40
    )
)
def test_lines_between_what_is_recorded_pass_every_reading_within_the_deadband(
    compiled: Kernels, steps: list[tuple[float, float]]
) -> None:
    times = np.cumsum([gap for _, gap in steps]).tolist()
    readings = [(at_s, number, 0) for at_s, (number, _) in zip(times, steps, strict=True)]
    found = recorded(compiled, readings)
    known = [reading for reading in readings if reading[0] <= found[-1][0]]
    lines = np.interp([at_s for at_s, *_ in known], [one[0] for one in found], [one[1] for one in found])
    for (_, number, _), line in zip(known, lines, strict=True):
        assert abs(number - line) <= BAND * (1 + 1e-9)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.floats(-3, 3), min_size=2, max_size=40), max_delay_s=st.sampled_from([0, 1, 3]))
def test_what_is_older_than_the_delay_is_known_within_the_deadband(
    compiled: Kernels, numbers: list[float], max_delay_s: int
) -> None:
    """At any time, the lines between what has been recorded by then pass all that is older than the delay."""
    readings = good(*numbers)
    for count in range(1, len(readings) + 1):
        found = recorded(compiled, readings[:count], max_delay=f"{max_delay_s}s")
        settled = [one for one in readings[:count] if one[0] <= count - 1 - max_delay_s - 1]
        times, values = [at_s for at_s, *_ in found], [value for _, value, _ in found]
        for at_s, number, _ in settled:
            assert abs(np.interp(at_s, times, values) - number) <= BAND * (1 + 1e-9)


def test_what_left_the_deadband_is_known_after_the_delay_even_if_it_came_back(kernels: Kernels) -> None:
    assert recorded(kernels, good(0.75, 0, 0.25, 0), max_delay="1s")[1] == (2.0, 0.25, 0)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    readings=st.lists(
        st.tuples(st.floats(-3, 3), st.sampled_from([0, 0, 0, bad(Reason.TIMEOUT), 1])),
        min_size=1,
        max_size=30,
    )
)
def test_what_is_recorded_was_read_so_is_in_order_and_tells_every_change_of_quality(
    compiled: Kernels, readings: list[tuple[float, int]]
) -> None:
    scans = [(float(second), number, word) for second, (number, word) in enumerate(readings)]
    found = recorded(compiled, scans)
    assert [at_s for at_s, *_ in found] == sorted({at_s for at_s, *_ in found})
    for at_s, value, word in found:
        _, number, given = scans[int(at_s)]
        assert value == number or math.isnan(value)
        assert word == given
    words = [word for _, _, word in scans]
    changes = [s for s in range(1, len(words)) if words[s] != words[s - 1]]
    assert {float(second) for second in changes} <= {at_s for at_s, *_ in found}


def test_a_quality_that_changes_lets_go_of_what_was_held_back(kernels: Kernels) -> None:
    timeout = bad(Reason.TIMEOUT)
    found = recorded(kernels, [(0, 0, 0), (1, 0.1, 0), (2, 0.2, 0), (3, 0.2, timeout), (4, 0.2, 0)])
    assert [(at_s, word) for at_s, _, word in found] == [(0, 0), (2, 0), (3, timeout), (4, 0)]


def test_the_heartbeat_ends_a_line(kernels: Kernels) -> None:
    found = recorded(kernels, good(*[1.0] * 8), heartbeat="3s")
    assert [at_s for at_s, *_ in found] == [0, 3, 6]


def test_the_least_interval_thins_values_but_no_change_of_quality(kernels: Kernels) -> None:
    line = Rig(plant(tag("t", min_interval="3s")), kernels)
    group, chosen, rules = line.plant.groups[0], [], []
    for second, word in enumerate([0, 0, 0, 0, 1, 0, 0]):
        line.engine.condition(group, np.array([float(second)]), np.array([word], np.uint32), second * S)
        line.engine.judge(second * S)
        report = line.engine.report(group, second * S)
        chosen.append(bool(report.selected[0]))
        rules += [rule for rule, count in zip(SUPPRESSING_RULES, report.suppressed, strict=True) if count]
    assert chosen == [True, False, False, True, True, True, False]
    assert rules == ["min_interval"] * 3


def test_what_could_not_be_kept_begins_a_new_line(kernels: Kernels) -> None:
    line = Rig(plant(tag("t", report="swinging_door", deadband={"absolute": 1})), kernels)
    group, chosen = line.plant.groups[0], []
    for second in range(3):
        line.scan(second, t=5)
        if second == 2:
            line.engine.forget_report(group)
        chosen.append(bool(line.engine.report(group, second * S).selected[0]))
    assert chosen == [True, False, True]
