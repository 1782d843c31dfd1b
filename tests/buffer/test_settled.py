from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from buffer.account import Account
from buffer.settled import Count, Fate, Settled

RANGES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 12), st.sampled_from([Fate.DELIVERED, Fate.CAP])),
    max_size=25,
)


def readings(first: int, last: int) -> int:
    """Every number has as many readings as it says."""
    return sum(range(first, last + 1))


@given(RANGES)
def test_settling_in_any_order_equals_a_set_of_numbers(ranges: list[tuple[int, int, Fate]]) -> None:
    account = Account(Settled())
    model: dict[int, Fate] = {}
    for first, more, fate in ranges:
        last = first + more
        account.settle(1, first, last, fate, readings(first, last), readings)
        model = dict.fromkeys(range(first, last + 1), fate) | model
        assert {seq for seq in range(1, 60) if account.settled.contains(1, seq)} == set(model)
        needed = {seq for low, high in account.settled.unsettled(1, 1, 60) for seq in range(low, high + 1)}
        assert needed == set(range(1, 61)) - set(model)
        total = account.settled.tally().total()
        assert total == Count(len(model), sum(model))


@given(RANGES)
def test_spans_are_always_ascending_apart_and_as_long_as_their_tallies(
    ranges: list[tuple[int, int, Fate]],
) -> None:
    account = Account(Settled())
    for first, more, fate in ranges:
        account.settle(1, first, first + more, fate, readings(first, first + more), readings)
    spans = account.settled.spans.get(1, [])
    assert all(left.last + 1 < right.first for left, right in pairwise(spans))
    assert all(span.tally.total().records == span.last - span.first + 1 for span in spans)
