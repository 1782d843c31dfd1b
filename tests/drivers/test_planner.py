"""Blocks: every value whole, within the device's limits, and fewer requests than values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.frame import READ_WORDS
from drivers.modbus.planner import Block, Cost, Limits, Place, Range, plan

LIMITS = Limits(max_words=125, max_bits=2000, max_gap_words=16)
CHEAP_WORDS = Cost(request_us=2000, word_us=1)


@st.composite
def some_range(draw: st.DrawFn) -> Range:
    code = draw(st.integers(1, 4))
    start = draw(st.integers(0, 400) | st.integers(0, 65532))
    return Range(code, start, start + (draw(st.sampled_from([1, 2, 4])) if code in READ_WORDS else 1))


some_limits = st.builds(
    Limits,
    max_words=st.integers(4, 125),
    max_bits=st.integers(1, 2000),
    max_gap_words=st.integers(0, 124),
)
some_cost = st.builds(Cost, request_us=st.floats(1, 1e5), word_us=st.floats(0, 1e4))
some_cuts = st.lists(st.builds(Place, st.integers(1, 4), st.integers(0, 450)), max_size=8).map(sorted)


def words(*starts: int, size: int = 1) -> list[Range]:
    return [Range(3, start, start + size) for start in starts]


def extents(blocks: list[Block]) -> list[tuple[int, int]]:
    return [(block.start, block.count) for block in blocks]


@given(st.lists(some_range(), max_size=60), some_limits, some_cost, some_cuts)
def test_every_value_lies_whole_in_exactly_one_block(
    ranges: list[Range], limits: Limits, cost: Cost, cuts: list[Place]
) -> None:
    blocks = list(plan(ranges, limits, cost, cuts))
    assert sorted(wanted for block in blocks for wanted in block.ranges) == sorted(set(ranges))
    for block in blocks:
        for wanted in block.ranges:
            assert wanted.function_code == block.function_code
            assert block.start <= wanted.start
            assert wanted.end <= block.start + block.count


@given(st.lists(some_range(), max_size=60), some_limits, some_cost, some_cuts)
def test_no_block_exceeds_what_the_device_allows(
    ranges: list[Range], limits: Limits, cost: Cost, cuts: list[Place]
) -> None:
    for block in plan(ranges, limits, cost, cuts):
        assert (
            1 <= block.count <= (limits.max_words if block.function_code in READ_WORDS else limits.max_bits)
        )
        assert block.start + block.count <= 65536


@given(st.lists(some_range(), max_size=60), some_limits, some_cost)
def test_it_never_asks_more_often_than_there_are_values(
    ranges: list[Range], limits: Limits, cost: Cost
) -> None:
    assert len(list(plan(ranges, limits, cost))) <= len(set(ranges))


@given(st.lists(some_range(), max_size=60), some_limits, some_cost)
def test_the_words_between_values_never_cost_more_than_the_requests_saved(
    ranges: list[Range], limits: Limits, cost: Cost
) -> None:
    blocks = list(plan(ranges, limits, cost))
    for block in blocks:
        reached = block.start
        unwanted = 0.0
        for wanted in block.ranges:
            gap = max(0, wanted.start - reached) / (1 if block.function_code in READ_WORDS else 16)
            assert gap <= limits.max_gap_words
            unwanted += gap
            reached = max(reached, wanted.end)
        assert unwanted * cost.word_us <= cost.request_us * (len(block.ranges) - 1)


@given(st.lists(some_range(), max_size=60), some_cuts)
def test_no_block_of_several_values_lies_across_a_cut(ranges: list[Range], cuts: list[Place]) -> None:
    for block in plan(ranges, LIMITS, CHEAP_WORDS, cuts):
        if len(block.ranges) > 1:
            end = block.start + block.count
            assert not any(
                cut.function_code == block.function_code and block.start < cut.address < end for cut in cuts
            )


def test_neighbours_share_one_request() -> None:
    assert extents(plan(words(*range(100, 200)), LIMITS, CHEAP_WORDS)) == [(100, 100)]


def test_a_gap_is_read_along_up_to_the_devices_limit() -> None:
    assert extents(plan(words(0, 17), LIMITS, CHEAP_WORDS)) == [(0, 18)]
    assert extents(plan(words(0, 18), LIMITS, CHEAP_WORDS)) == [(0, 1), (18, 1)]


def test_a_gap_is_not_read_along_where_a_request_is_cheaper() -> None:
    slow_bus = Cost(request_us=10_000, word_us=2_000)
    assert extents(plan(words(0, 5), LIMITS, slow_bus)) == [(0, 6)]
    assert extents(plan(words(0, 6), LIMITS, slow_bus)) == [(0, 1), (6, 1)]


def test_a_value_is_never_split_over_two_blocks() -> None:
    limits = Limits(max_words=5, max_bits=16, max_gap_words=0)
    assert extents(plan(words(0, 2, 4, 6, size=2), limits, CHEAP_WORDS)) == [(0, 4), (4, 4)]


def test_a_value_longer_than_the_limit_stands_alone() -> None:
    limits = Limits(max_words=2, max_bits=16, max_gap_words=0)
    assert extents(plan(words(0, 4, size=4), limits, CHEAP_WORDS)) == [(0, 4), (4, 4)]


def test_tables_are_never_mixed() -> None:
    ranges = [Range(code, 7, 8) for code in (4, 2, 3, 1)]
    assert [block.function_code for block in plan(ranges, LIMITS, CHEAP_WORDS)] == [1, 2, 3, 4]


def test_sixteen_bits_of_a_gap_cost_one_word() -> None:
    bits = [Range(1, 0, 1), Range(1, 257, 258)]
    assert extents(plan(bits, LIMITS, CHEAP_WORDS)) == [(0, 258)]
    assert extents(plan([bits[0], Range(1, 258, 259)], LIMITS, CHEAP_WORDS)) == [(0, 1), (258, 1)]
