from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bodies import RecordError
from agent.columns import FLOAT64, NAN, pack_column, unpack_column

COLUMNS = st.one_of(
    st.lists(st.floats(), max_size=40),
    st.lists(st.floats(width=32), max_size=40),
    st.lists(st.integers(-40_000, 70_000).map(float), max_size=40),
    st.lists(st.integers(-(2**33), 2**33).map(float) | st.just(float("nan")), max_size=40),
)


def bits(numbers: np.ndarray) -> bytes:
    """The 64 bits of every number, any NaN alike."""
    return np.where(np.isnan(numbers), np.nan, numbers).tobytes()


@given(COLUMNS)
def test_a_column_comes_back_bit_for_bit(numbers: list[float]) -> None:
    column = np.array(numbers, dtype=np.float64)
    with np.errstate(all="ignore"):
        code, packed = pack_column(column)
    found, end = unpack_column(code, b"before" + packed, 6, len(column))
    assert bits(found) == bits(column)
    assert end == 6 + len(packed)


@pytest.mark.parametrize(
    ("numbers", "bytes_each"),
    [
        ([0.0, -128.0], 1),
        ([0.0, 255.0], 1),
        ([-1.0, 255.0], 2),
        ([0.0, 65535.0], 2),
        ([-1.0, 65535.0], 4),
        ([0.0, 2.0**32 - 1], 4),
        ([0.5, 2.0**100], 4),
        ([0.1, 0.0], 8),
        ([-0.0, 7.0], 4),
        ([2.0**32, 2.0], 4),
        ([2.0**53 - 1, 1.0], 8),
        ([float("inf"), 1.0], 8),
    ],
)
def test_a_column_takes_the_least_width_that_gives_every_bit_back(
    numbers: list[float], bytes_each: int
) -> None:
    code, packed = pack_column(np.array(numbers))
    assert len(packed) == 2 * bytes_each
    assert not code & NAN


def test_absent_numbers_cost_a_bit_each() -> None:
    column = np.full(80, np.nan)
    column[3] = 7
    code, packed = pack_column(column)
    assert code & NAN
    assert len(packed) == 10 + 1


def test_a_truncated_or_unknown_column_is_named_not_guessed() -> None:
    code, packed = pack_column(np.array([0.1, 0.2]))
    assert code == FLOAT64
    with pytest.raises(RecordError, match="ends within"):
        unpack_column(code, packed[:-1], 0, 2)
    with pytest.raises(RecordError, match="width 9"):
        unpack_column(9, packed, 0, 2)
