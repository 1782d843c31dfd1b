from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import medfilt

from config.tags import ValueType
from config.vocabulary import (
    GOOD,
    NOT_YET_READ,
    Flag,
    QualityClass,
    Reason,
    bad,
    class_of,
    detail_of,
    quality,
    reason_of,
    uncertain,
)
from filters.kernels import Kernels, twins
from tests.filters.rig import MS, Rig, S, plant, tag


def rig(kernels: Kernels | None = None, **row: object) -> Rig:
    return Rig(plant(tag("t", **row)), kernels)


def test_nothing_is_good_before_it_was_read() -> None:
    line = rig()
    assert (line.quality("t"), math.isnan(line.value("t"))) == (NOT_YET_READ, True)


def test_a_raw_number_is_scaled_and_kept(kernels: Kernels) -> None:
    line = rig(kernels, scale=0.1, offset=-10)
    line.scan(1, t=1234)
    image = line.engine.image
    assert (image.raw[0], image.scaled[0], image.value[0], image.quality[0]) == (1234, 113.4, 113.4, GOOD)
    assert image.boot_ns[0] == S


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(3.59, Reason.UNDER_RANGE), (3.6, Reason.NONE), (21.0, Reason.NONE), (21.01, Reason.OVER_RANGE)],
)
def test_a_raw_number_outside_its_range_is_bad(kernels: Kernels, raw: float, reason: Reason) -> None:
    line = rig(kernels, raw_low=3.6, raw_high=21.0)
    line.scan(1, t=raw)
    assert reason_of(line.quality("t")) is reason
    assert math.isnan(line.value("t")) == (reason is not Reason.NONE)
    assert line.engine.image.raw[0] == raw


@pytest.mark.parametrize(
    ("code", "detail"), [(9988, 0), (777, 777), (-1, 0), (1.5, 0), (4095, 4095), (4096, 0)]
)
def test_a_sentinel_is_bad_before_the_range_is_asked_and_keeps_its_code_where_it_fits(
    kernels: Kernels, code: float, detail: int
) -> None:
    line = rig(kernels, raw_high=100, sentinels={code: "fault", 12345.0: "spare"})
    line.scan(1, t=code)
    word = line.quality("t")
    assert (class_of(word), reason_of(word), detail_of(word)) == (QualityClass.BAD, Reason.SENTINEL, detail)


def test_a_sentinel_of_a_float32_is_known_as_it_arrives(kernels: Kernels) -> None:
    line = rig(kernels, type=ValueType.FLOAT32, sentinels={-999.9: "spare"})
    line.scan(1, t=float(np.float32(-999.9)))
    assert reason_of(line.quality("t")) is Reason.SENTINEL


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf, 1e308])
def test_what_is_no_finite_number_is_bad_even_if_the_driver_calls_it_good(
    kernels: Kernels, raw: float
) -> None:
    line = rig(kernels, scale=10)
    line.scan(1, t=raw)
    assert reason_of(line.quality("t")) is Reason.NOT_A_NUMBER
    assert math.isnan(line.value("t"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(-0.1, Reason.IMPLAUSIBLE), (0, Reason.NONE), (60, Reason.NONE), (60.1, Reason.IMPLAUSIBLE)],
)
def test_a_value_outside_what_is_plausible_is_bad_and_its_raw_is_kept(
    kernels: Kernels, raw: float, reason: Reason
) -> None:
    line = rig(kernels, scale=2, plausible_low=0, plausible_high=120)
    line.scan(1, t=(raw, int(Flag.CALIBRATION)))
    assert (reason_of(line.quality("t")), line.quality("t") & 0xFF) == (reason, Flag.CALIBRATION)
    assert line.engine.image.raw[0] == raw


def test_what_changes_faster_than_it_can_is_uncertain_and_judged_all_the_same(kernels: Kernels) -> None:
    line = rig(kernels, max_rate=2, hh=50)
    words = []
    for second, raw in [(0, 0), (1, 2), (2, 4.1), (4, 8.1), (5, 60)]:
        line.scan(second, t=raw)
        words.append(line.quality("t"))
    assert words == [0, 0, uncertain(Reason.RATE), 0, uncertain(Reason.RATE)]
    assert [alarm.rule for alarm in line.engine.alarms()] == ["t.HH"]


def test_no_rate_is_told_across_a_bad_sample_or_a_gap(kernels: Kernels) -> None:
    line = rig(kernels, max_rate=1)
    line.scan(0, t=0)
    line.scan(1, bad=bad(Reason.TIMEOUT))
    line.scan(2, t=50)
    assert line.quality("t") == 0
    line.scan(6, t=100)
    assert line.quality("t") == 0


def test_the_drivers_quality_and_flags_are_kept(kernels: Kernels) -> None:
    line = rig(kernels, raw_high=100)
    unsure = uncertain(Reason.RESYNC) | Flag.MAINTENANCE
    line.scan(1, t=(50, unsure))
    assert (line.quality("t"), line.value("t")) == (unsure, 50)
    line.scan(2, t=(200, quality(QualityClass.GOOD, flags=Flag.CALIBRATION)))
    assert line.quality("t") == bad(Reason.OVER_RANGE) | Flag.CALIBRATION
    refused = bad(Reason.REFUSED, detail=2)
    line.scan(3, t=(50, refused))
    assert (line.quality("t"), math.isnan(line.value("t"))) == (refused, True)


def test_since_when_a_quality_holds_is_known(kernels: Kernels) -> None:
    line = rig(kernels)
    for second in range(1, 4):
        line.scan(second, t=5)
    assert line.engine.image.since_boot_ns[0] == 1 * S
    line.scan(4, bad=bad(Reason.TIMEOUT))
    assert line.engine.image.since_boot_ns[0] == 4 * S


@pytest.mark.parametrize("width", [3, 5, 7])
def test_the_median_is_that_of_scipy_and_pandas(kernels: Kernels, width: int) -> None:
    series = np.random.default_rng(width).normal(size=200).round(1)
    line = rig(kernels, median=width)
    found = []
    for second, number in enumerate(series):
        line.scan(second, t=number)
        found.append(line.value("t"))
    rolling = pd.Series(series).rolling(width).median().to_numpy()
    delay = width // 2
    np.testing.assert_array_equal(found[width - 1 :], rolling[width - 1 :])
    np.testing.assert_array_equal(found[width - 1 :], medfilt(series, width)[delay : len(series) - delay])


@pytest.mark.parametrize(("width", "samples"), [(0, 0), (3, 1), (5, 2), (7, 3)])
def test_the_declared_delay_of_a_median_is_the_delay_of_a_step(width: int, samples: int) -> None:
    line = rig(median=width)
    assert line.plant.tags[0].delay_ns(200 * MS) == samples * 200 * MS
    for second in range(10):
        line.scan(second, t=0)
    steps = []
    for second in range(10, 20):
        line.scan(second, t=1)
        steps.append(line.value("t"))
    assert steps.index(1) == samples


@given(
    width=st.sampled_from([3, 5, 7]),
    before=st.lists(st.one_of(st.floats(-10, 10), st.just(math.nan)), max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_whatever_came_before_a_step_shows_after_the_declared_delay(width: int, before: list[float]) -> None:
    line = rig(twins(), median=width)
    for second, number in enumerate(before):
        line.scan(second, t=number)
    for second in range(width // 2 + 1):
        line.scan(len(before) + second, t=50)
    assert line.value("t") == 50


def test_the_window_restarts_after_a_bad_sample_and_fills_without_more_delay(kernels: Kernels) -> None:
    line = rig(kernels, median=5)
    for second in range(5):
        line.scan(second, t=0)
    line.scan(5, bad=bad(Reason.TIMEOUT))
    found = []
    for second, number in enumerate([9, 1, 2, 3, 4], start=6):
        line.scan(second, t=number)
        found.append(line.value("t"))
    assert found == [9, 1, 2, 2, 3]


def test_the_window_restarts_after_a_gap_of_the_stale_time(kernels: Kernels) -> None:
    line = rig(kernels, median=3)
    for second in (0, 1, 2):
        line.scan(second, t=0)
    line.scan(5, t=9)
    assert line.value("t") == 9


def test_what_is_bad_already_keeps_its_reason_when_it_becomes_stale(kernels: Kernels) -> None:
    line = Rig(plant(tag("a"), tag("b")), kernels)
    line.scan(0, a=1, b=(1, bad(Reason.REFUSED)))
    line.judge(3)
    assert [reason_of(line.quality(name)) for name in "ab"] == [Reason.STALE, Reason.REFUSED]
    assert math.isnan(line.value("a"))


def test_raw_numbers_of_any_layout_are_taken(kernels: Kernels) -> None:
    line = Rig(plant(tag("a"), tag("b")), kernels)
    group = line.plant.groups[0]
    every_other = np.arange(4, dtype=np.float32)[::2]
    every_other.flags.writeable = False
    line.engine.condition(group, every_other, np.zeros(2, np.uint32), S)
    assert line.engine.image.value.tolist() == [0, 2]


def test_a_scan_that_took_longer_than_the_stale_time_is_current_from_when_it_arrived(
    kernels: Kernels,
) -> None:
    line = Rig(plant(tag("t")), kernels)
    (group,) = line.plant.groups
    line.engine.condition(group, np.array([7.0]), np.zeros(1, np.uint32), 1 * S, 5 * S)
    line.judge(5)
    assert (line.value("t"), line.quality("t")) == (7, 0)
    line.judge(7.9)
    assert line.quality("t") == 0
    line.judge(8)
    assert reason_of(line.quality("t")) is Reason.STALE
