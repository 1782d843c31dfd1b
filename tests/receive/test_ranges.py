from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.ranges import Ranges

NUMBERS = st.integers(1, 60)
PIECES = st.lists(st.tuples(NUMBERS, st.integers(0, 8)))


def ranges_of(pieces: list[tuple[int, int]]) -> tuple[Ranges, set[int]]:
    found, model = Ranges(), set[int]()
    for first, more in pieces:
        found.add(first, first + more)
        model.update(range(first, first + more + 1))
    return found, model


def members(found: Ranges) -> set[int]:
    return {number for first, last in found for number in range(first, last + 1)}


@given(PIECES, PIECES)
def test_ranges_are_a_set_of_numbers(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    found, model = ranges_of(one)
    others, other_model = ranges_of(other)
    assert members(found) == model
    assert len(found) == len(model)
    assert all((number in found) == (number in model) for number in range(70))
    assert (found.first, found.last) == (min(model, default=0), max(model, default=0))
    assert members(found.without(others)) == model - other_model
    flat = [edge for piece in found for edge in piece]
    assert flat == sorted(flat)
    assert all(after - before > 1 for (_, before), (after, _) in zip(found, list(found)[1:], strict=False))


@given(PIECES, NUMBERS, NUMBERS)
def test_holes_are_what_is_not_there(pieces: list[tuple[int, int]], first: int, last: int) -> None:
    found, model = ranges_of(pieces)
    holes = {number for low, high in found.holes(first, last) for number in range(low, high + 1)}
    assert holes == set(range(first, last + 1)) - model
