from __future__ import annotations

import math

import numpy as np
import pytest

from config.vocabulary import Flag, Reason, bad, uncertain
from filters.kernels import Kernels
from filters.report import EVERY_READING, deadband_of
from tests.filters.rig import Rig, S, plant, tag


def selected(line: Rig, at_s: float, *numbers: float, quality: int = 0) -> list[bool]:
    group = line.plant.groups[0]
    words = np.full(group.count, quality, dtype=np.uint32)
    line.engine.condition(group, np.array(numbers, dtype=float), words, round(at_s * S))
    line.engine.judge(round(at_s * S))
    report = line.engine.report(group, round(at_s * S))
    assert report.recorded == report.selected.sum()
    assert report.recorded + sum(report.suppressed) == group.count
    return [bool(chosen) for chosen in report.selected]


def rig(kernels: Kernels, **row: object) -> Rig:
    return Rig(plant(tag("t", **row)), kernels)


def test_the_first_reading_is_recorded_and_what_stays_in_the_deadband_is_not(kernels: Kernels) -> None:
    line = rig(kernels, deadband={"absolute": 1})
    series = [0, 0.5, 1, 1.01, 2, 0.01, 0, math.nextafter(0.01, 1)]
    assert [selected(line, second, number)[0] for second, number in enumerate(series)] == [
        True,
        False,
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_slow_drift_is_recorded_against_what_was_recorded_last(kernels: Kernels) -> None:
    line = rig(kernels, deadband={"absolute": 1})
    found = [selected(line, second, second * 0.4)[0] for second in range(10)]
    assert found == [True, False, False, True, False, False, True, False, False, True]


def test_what_could_not_be_kept_is_chosen_again(kernels: Kernels) -> None:
    line = rig(kernels, deadband={"absolute": 1})
    assert [selected(line, second, 5)[0] for second in range(2)] == [True, False]
    line.engine.forget_report(line.plant.groups[0])
    assert [selected(line, second, 5)[0] for second in (2, 3)] == [True, False]


def test_a_percentage_means_the_engineering_range() -> None:
    row = tag("t", deadband={"percent": 2}, range_low=-50, range_high=150)
    assert deadband_of(row) == 4
    assert deadband_of(tag("t", deadband={"percent": 2})) == EVERY_READING
    assert deadband_of(tag("t")) == EVERY_READING


def test_a_tag_without_a_deadband_is_recorded_at_every_scan_even_when_bad(kernels: Kernels) -> None:
    line = rig(kernels)
    assert [selected(line, second, 5)[0] for second in range(3)] == [True] * 3
    assert [selected(line, second, 5, quality=bad(Reason.TIMEOUT))[0] for second in (3, 4)] == [True] * 2


def test_a_deadband_of_zero_records_every_change_and_nothing_else(kernels: Kernels) -> None:
    line = rig(kernels, deadband={"absolute": 0})
    series = [1, 1, 1.0000001, 1.0000001, 1]
    found = [selected(line, second, number)[0] for second, number in enumerate(series)]
    assert found == [True, False, True, False, True]


def test_the_heartbeat_records_what_does_not_change(kernels: Kernels) -> None:
    line = rig(kernels, deadband={"absolute": 1}, heartbeat="3s")
    found = [selected(line, second, 5)[0] for second in range(8)]
    assert found == [True, False, False, True, False, False, True, False]


@pytest.mark.parametrize(
    "word",
    [bad(Reason.TIMEOUT), uncertain(Reason.RESYNC), int(Flag.MAINTENANCE), bad(Reason.REFUSED, detail=2)],
)
def test_every_change_of_quality_is_recorded_both_ways_and_a_lasting_one_once(
    kernels: Kernels, word: int
) -> None:
    line = rig(kernels, deadband={"absolute": 1000})
    found = [selected(line, second, 5, quality=at)[0] for second, at in enumerate([0, word, word, 0, 0])]
    assert found == [True, True, False, True, False]


def test_a_change_of_the_detail_alone_is_a_change_of_quality(kernels: Kernels) -> None:
    line = rig(kernels, deadband={"absolute": 1000})
    words = [bad(Reason.REFUSED, detail=2), bad(Reason.REFUSED, detail=3)]
    assert [selected(line, second, 5, quality=word)[0] for second, word in enumerate(words)] == [True, True]


def test_each_tag_is_judged_for_itself_and_the_suppressed_are_counted(kernels: Kernels) -> None:
    line = Rig(
        plant(tag("a", deadband={"absolute": 1}), tag("b"), tag("c", deadband={"absolute": 9})), kernels
    )
    selected(line, 0, 1, 1, 1)
    assert selected(line, 1, 3, 1, 3) == [True, True, False]
