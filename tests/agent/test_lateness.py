from hypothesis import given
from hypothesis import strategies as st

from agent.lateness import Lateness


@given(st.lists(st.integers(0, 2**43), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_quantile_bounds_the_exact_one_within_a_sixteenth(late_ns: list[int], share: float) -> None:
    lateness = Lateness()
    for late in late_ns:
        lateness.add(late)
    exact = next(late for rank, late in enumerate(sorted(late_ns), start=1) if rank >= share * len(late_ns))
    assert exact <= lateness.quantile_ns(share) <= exact + exact // 16 + 1


def test_nothing_counted_is_no_lateness_and_a_clock_set_back_is_none_either() -> None:
    lateness = Lateness()
    assert lateness.quantile_ns(0.99) == 0
    lateness.add(-5)
    assert lateness.quantile_ns(1.0) == 0
    assert lateness.total == 1


def test_a_lateness_of_a_week_is_counted_in_the_last_bucket() -> None:
    lateness = Lateness()
    lateness.add(7 * 86400 * 10**9)
    assert lateness.quantile_ns(1.0) > 4 * 3600 * 10**9
