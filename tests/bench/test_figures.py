"""The arithmetic of the bench."""

import math
from itertools import accumulate, pairwise

import pytest

from bench.figures import lateness_ns, percentile
from bench.plan import Target
from bench.plant import alarm_changes
from bench.sequence import Sequence

SECOND = 10**9


def test_a_percentile_is_the_nearest_rank() -> None:
    values = list(range(100, 0, -1))
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.5) == 7.0
    assert math.isnan(percentile([], 0.5))


def test_a_steady_grid_is_never_late() -> None:
    assert lateness_ns([5 + SECOND * k for k in range(10)], SECOND) == [0] * 10


def test_lateness_does_not_carry_over_and_a_skipped_instant_costs_nothing() -> None:
    starts = [0, SECOND + 300, 2 * SECOND, 5 * SECOND + 40]
    assert lateness_ns(starts, SECOND) == [0, 300, 0, 40]


def test_the_earliest_start_gives_the_phase_even_when_it_is_not_the_first() -> None:
    assert lateness_ns([500, SECOND + 100, 2 * SECOND + 200], SECOND) == [400, 0, 100]


def test_a_drifting_loop_is_seen_as_ever_later() -> None:
    assert lateness_ns([k * (SECOND + 1000) for k in range(4)], SECOND) == [0, 1000, 2000, 3000]


def test_a_sequence_tells_holes_from_late_arrivals_and_from_duplicates() -> None:
    numbers = Sequence()
    assert [numbers.take(number) for number in (1, 2, 5, 4, 4, 2)] == [True, True, True, True, False, False]
    assert numbers.missing == {3}
    assert numbers.duplicates == 2
    assert numbers.last == 5


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(name="x", found=2.0, at_most=2.0), True),
        (Target(name="x", found=2.1, at_most=2.0), False),
        (Target(name="x", found=0.8, at_least=0.8), True),
        (Target(name="x", found=0.7, at_least=0.8), False),
        (Target(name="x", found=math.nan, at_most=2.0), False),
        (Target(name="x", found=math.nan, at_least=2.0), False),
    ],
)
def test_a_target_is_met_within_its_limit_and_never_by_nothing(target: Target, met: bool) -> None:
    assert target.met is met


def test_an_alarm_changes_with_bit_4_of_its_register() -> None:
    for number in (0, 7, 14, 15, 16, 31, 99):
        bits = [0, *((answer + number) >> 4 & 1 for answer in range(1, 200))]
        changes = [before != after for before, after in pairwise(bits)]
        assert [alarm_changes(number, answers) for answers in range(200)] == list(
            accumulate(changes, initial=0)
        )
