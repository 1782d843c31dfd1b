"""Derived series: each function against a published reference, with gaps and Bad samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from config.vocabulary import Flag, QualityClass, Reason, bad, class_of, reason_of, uncertain
from filters.kernels import Kernels
from tests.filters.rig import Rig, S, plant, tag, told

TIMEOUT = bad(Reason.TIMEOUT)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rig(kernels: Kernels, value: str, **tags: Any) -> Rig:
    """A plant with the tags a, b (another device) and run, and the series x."""
    rows = {"a": {}, "b": {"device": "plc2"}, "run": {"type": "bool"}} | tags
    return Rig(plant(*(tag(name, **row) for name, row in rows.items()), series={"x": value}), kernels)


def played(
    kernels: Kernels, value: str, samples: list[float], times: list[float] | None = None
) -> list[float]:
    """The series x after every sample of a; NaN is a Bad sample."""
    line, found = rig(kernels, value), []
    for at_s, sample in zip(times or range(len(samples)), samples, strict=True):
        line.scan(at_s, a=(sample, TIMEOUT if math.isnan(sample) else 0), run=1)
        found.append(line.value("x"))
    return found


gappy = st.lists(
    st.tuples(st.sampled_from([0.25, 1.0, 1.0, 4.5]), st.one_of(st.floats(-9, 9), st.just(math.nan))),
    min_size=1,
    max_size=40,
)


def test_an_ewma_on_a_steady_grid_is_the_filter_of_scipy_and_pandas(kernels: Kernels) -> None:
    """scipy.signal.lfilter of a first-order lag, and pandas' ewm with alpha = 1 - exp(-T / tau)."""
    samples = np.random.default_rng(1).normal(size=80)
    alpha = 1 - math.exp(-1 / 2)
    found = played(kernels, "ewma(a, 2s)", samples.tolist())
    filtered, _ = lfilter([alpha], [1, alpha - 1], samples, zi=[(1 - alpha) * samples[0]])
    np.testing.assert_allclose(found, filtered)
    np.testing.assert_allclose(found, pd.Series(samples).ewm(alpha=alpha, adjust=False).mean())


def test_an_ewma_is_through_to_95_percent_after_its_declared_delay(kernels: Kernels) -> None:
    line = rig(kernels, "ewma(a, 2s)")
    for second in range(20):
        line.scan(second, a=float(second >= 10))
    delay_s = line.plant.delay_ns("x") / S
    assert delay_s == 6
    assert played(kernels, "ewma(a, 2s)", [0.0] * 10 + [1.0] * 10)[9 + int(delay_s)] >= 0.95


@QUICK
@given(steps=gappy)
@pytest.mark.parametrize(("function", "reference"), [("avg", "mean"), ("min", "min"), ("max", "max")])
def test_windows_are_those_of_pandas_over_what_was_usable(
    compiled: Kernels, function: str, reference: str, steps: list[tuple[float, float]]
) -> None:
    """pandas' rolling("3s"): half-open, (t - 3 s, t], over the samples that are there."""
    times = np.cumsum([gap for gap, _ in steps])
    samples = [sample for _, sample in steps]
    found = played(compiled, f"{function}(a, 3s)", samples, times.tolist())
    usable = pd.Series(samples, index=pd.to_datetime(times, unit="s")).dropna()
    expected = getattr(usable.rolling("3s"), reference)()
    for at_s, sample, value in zip(times, samples, found, strict=True):
        if math.isnan(sample):
            assert math.isnan(value)
        else:
            assert value == pytest.approx(expected[pd.to_datetime(at_s, unit="s")])


def test_a_rate_is_the_difference_over_its_window_and_bad_until_that_is_full(kernels: Kernels) -> None:
    """pandas: diff(n) / (n * T)."""
    samples = np.random.default_rng(2).normal(size=30).tolist()
    found = played(kernels, "rate(a, 5s, per=1min)", samples)
    np.testing.assert_allclose(found, pd.Series(samples).diff(5) / 5 * 60)
    line = rig(kernels, "rate(a, 5s)")
    line.scan(0, a=1)
    assert line.quality("x") == bad(Reason.FILLING)


def test_a_rate_spans_a_lost_sample_but_no_long_gap(kernels: Kernels) -> None:
    found = played(kernels, "rate(a, 2s)", [0, 1, 2, math.nan, 4, 5, 90], [0, 1, 2, 3, 4, 5, 20])
    np.testing.assert_allclose(found, [math.nan, math.nan, 1, math.nan, 1, 1, math.nan])


@pytest.mark.parametrize(
    ("value", "samples", "expected"),
    [
        ("on_for(a > 0, 2s)", "0111010111", "0001000001"),  # IEC 61131-3 TON
        ("off_for(a > 0, 2s)", "0100010100", "0111011111"),  # TOF
        ("debounce(a > 0, 2s)", "0101110100011", "0000011111000"),
        ("stuck(a, 0, 3s)", "0123333334", "0000001110"),
        ("count(a > 0, 4s)", "0101010000", "0112222110"),
    ],
)
def test_what_remembers_does_what_its_clause_says(
    kernels: Kernels, value: str, samples: str, expected: str
) -> None:
    found = played(kernels, value, [float(sample) for sample in samples])
    assert "".join(f"{number:.0f}" for number in found) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("increase(a, 9s, wraps=10)", [0, 2, 3, 5, 7, 11, 15]),
        ("increase(a, 9s)", [0, 2, 3, 3, 5, 9, 9]),
        ("increase(a, 2s, wraps=10)", [0, 2, 3, 3, 4, 6, 8]),
    ],
)
def test_a_counter_goes_on_where_it_wraps_or_begins_anew(
    kernels: Kernels, value: str, expected: list[float]
) -> None:
    """Prometheus' increase(), without its extrapolation: a count that falls has begun at 0."""
    assert played(kernels, value, [5, 7, 8, 0, 2, 6, 0]) == expected


def test_a_stuck_detector_waits_until_it_is_armed(kernels: Kernels) -> None:
    line, found = rig(kernels, "stuck(a, 0.5, 2s, while=run)"), []
    for second, run in enumerate([1, 1, 0, 0, 1, 1, 1, 1]):
        line.scan(second, a=5 + 0.1 * (second % 2), run=run)
        found.append(line.value("x"))
    assert found == [0, 0, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        ("ppm(a, 28.01)", 20, 17.18),  # CO: GBZ 2.1 gives 20 mg/m3, 17 ppm at 20 degC
        ("mg_m3(a, 17.03)", 28.25, 20.0),  # NH3
        ("mmh2o(a)", 1, 101.97),  # ISO 80000-4: 9.80665 Pa
        ("kpa(mmh2o(a))", 3, 3),
        ("abs(-a) + -2 * a / 4", 8, 4),
    ],
)
def test_units_are_converted_as_published(
    kernels: Kernels, value: str, given: float, expected: float
) -> None:
    assert played(kernels, value, [given])[0] == pytest.approx(expected, rel=1e-3)


def qualities(line: Rig, **words: int) -> tuple[QualityClass, Reason, float]:
    line.scan(1, line.group("plc"), a=(5, words.get("a", 0)), run=(1, words.get("run", 0)))
    line.scan(1, line.group("plc2"), b=(5, words.get("b", 0)))
    word = line.quality("x")
    return class_of(word), reason_of(word), line.value("x")


GOOD, UNSURE, BAD = QualityClass
OF_INPUT = (BAD, Reason.INPUT)


@pytest.mark.parametrize(
    ("value", "words", "expected"),
    [
        ("a + b", {}, (GOOD, Reason.NONE, 10)),
        ("a + b", {"b": TIMEOUT}, (*OF_INPUT, math.nan)),
        ("a + b", {"b": uncertain(Reason.RESYNC)}, (UNSURE, Reason.RESYNC, 10)),
        ("a / (b - 5)", {}, (BAD, Reason.NOT_A_NUMBER, math.nan)),
        ("bad(b)", {"b": TIMEOUT}, (GOOD, Reason.NONE, 1)),
        ("a > 9 and b > 1", {"b": TIMEOUT}, (GOOD, Reason.NONE, 0)),
        ("a > 1 and b > 1", {"b": TIMEOUT}, (*OF_INPUT, math.nan)),
        ("b > 1 or run", {"b": TIMEOUT}, (GOOD, Reason.NONE, 1)),
        ("b > 1 or a > 9", {"b": TIMEOUT}, (*OF_INPUT, math.nan)),
        ("votes(2, a > 1, b > 1, run == 0)", {"b": TIMEOUT}, (UNSURE, Reason.INPUT, 1)),
        ("votes(2, a > 1, b > 1, run)", {"b": TIMEOUT}, (GOOD, Reason.NONE, 1)),
        ("votes(2, a > 9, b > 1, not run)", {"b": TIMEOUT}, (GOOD, Reason.NONE, 0)),
        ("proven_votes(2, a > 1, b > 1, run == 0)", {"b": TIMEOUT}, (*OF_INPUT, math.nan)),
        ("proven_votes(2, a > 1, b > 1, run)", {"b": TIMEOUT}, (GOOD, Reason.NONE, 1)),
    ],
)
def test_quality_follows_the_declared_rules(
    kernels: Kernels, value: str, words: dict[str, int], expected: tuple[QualityClass, Reason, float]
) -> None:
    found = qualities(rig(kernels, value), **words)
    assert found[:2] == expected[:2]
    np.testing.assert_equal(found[2], expected[2])


def test_flags_of_all_inputs_are_carried(kernels: Kernels) -> None:
    line = rig(kernels, "a + b")
    qualities(line, a=int(Flag.MAINTENANCE), b=TIMEOUT | Flag.CALIBRATION)
    assert line.quality("x") & 0xFF == Flag.MAINTENANCE | Flag.CALIBRATION


def test_an_age_counts_from_the_last_usable_sample(kernels: Kernels) -> None:
    line = rig(kernels, "age(a) > 2s")
    found = []
    for second, word in enumerate([0, TIMEOUT, TIMEOUT, TIMEOUT, 0]):
        line.scan(second, a=(1, word), run=1)
        found.append(line.value("x"))
    assert found == [0, 0, 0, 1, 0]


def test_samples_too_far_apart_make_the_result_uncertain(kernels: Kernels) -> None:
    made = plant(tag("a"), tag("b", device="plc2"), series={"x": {"value": "a - b", "skew": "300ms"}})
    line = Rig(made, kernels)
    line.scan(1.0, line.group("plc"), a=1)
    line.scan(1.2, line.group("plc2"), b=1)
    assert line.quality("x") == 0
    line.scan(2.0, line.group("plc"), a=1)
    assert line.quality("x") == uncertain(Reason.SKEW)
    assert line.engine.image.boot_ns[line.plant.number_of["x"]] == 1.2 * S


def test_a_series_is_computed_anew_when_an_input_becomes_stale_at_that_very_instant(kernels: Kernels) -> None:
    made = plant(
        tag("a"),
        tag("b", device="plc2"),
        series={"x": "a - b"},
        alarms={"apart": {"when": "abs(x) > 1", "fault_delay": "0s"}},
    )
    line = Rig(made, kernels)
    line.scan(0.5, line.group("plc2"), b=1)
    for second in range(1, 5):
        line.scan(second, line.group("plc"), a=5)
    assert ("alarm_raised", "apart", 1.0) in told(line.events)
    assert told(line.events)[-1] == ("alarm_raised", "apart.bad", 3.5)
    assert line.engine.image.since_boot_ns[line.plant.number_of["x"]] == 3.5 * S


def test_the_onset_is_dated_by_what_no_filter_has_smoothed(kernels: Kernels) -> None:
    alarms = {"high": {"when": "avg(a, 5s) > 3", "on_delay": "1s"}}
    line = Rig(plant(tag("a", median=3), alarms=alarms), kernels)
    for second in range(14):
        line.scan(second, a=4 if second >= 5 else 0)
    (raised,) = line.events
    assert raised.figures["onset_boot_ns"] == 5 * S
    assert raised.boot_ns > 8 * S


def test_a_cause_that_is_an_expression_is_dated_between_its_oldest_and_its_newest_sample(
    kernels: Kernels,
) -> None:
    """The valve was seen at 4.5 s; the slow input showed the cause at 4 s, and had not at 0 s."""
    interlock = {
        "name": "cut",
        "cause": {"when": "slow > 5 and fast > 1"},
        "effects": [{"when": "fast > 2", "within": "60s"}],
    }
    slow = tag("slow", device="plc2", scan_class="lazy")
    made = plant(tag("fast"), slow, interlocks=(interlock,), periods={"fast": "500ms", "lazy": "4s"})
    line = Rig(made, kernels)
    for half in range(12):
        if half % 8 == 0:
            line.scan(half / 2, line.group("plc2", "lazy"), slow=9 if half else 0)
        line.scan(half / 2, line.group(), fast=3 if half >= 9 else 2)
    proven = next(event for event in line.events if event.kind.value == "interlock_proven")
    assert (proven.figures["elapsed_min_ms"], proven.figures["elapsed_max_ms"]) == (0, 4500)
