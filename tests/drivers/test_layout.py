"""A layout is made in pieces, and is the same however large the group is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from config.links import WordOrder
from config.tags import ValueType
from config.text import text
from config.turns import at_once
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import DeviceRefused
from drivers.modbus.fence import Fence
from drivers.modbus.frame import Answer
from drivers.modbus.herald import Herald
from drivers.modbus.layout import AT_ONCE, Layout, Point, lay_out, range_of
from drivers.modbus.planner import Cost, Limits, Range

LIMITS = Limits(max_words=125, max_bits=2000, max_gap_words=8)


def points_at(addresses: list[int]) -> list[Point]:
    """Holding registers, the first in the list the first in the group."""
    return [
        Point(
            index=index,
            range=Range(3, address, address + 1),
            type=ValueType.UINT16,
            order=WordOrder.ABCD,
            bit=None,
            mask=None,
        )
        for index, address in enumerate(addresses)
    ]


def laying_out(points: list[Point]) -> Generator[None, None, Layout]:
    cost = Cost(request_us=100.0, word_us=2.0)
    return lay_out(sorted(points, key=range_of), LIMITS, cost, Fence(Herald("plc", ())))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9999), min_size=1, max_size=3 * AT_ONCE))
def test_every_point_of_a_large_group_reads_its_own_register(addresses: list[int]) -> None:
    layout = at_once(laying_out(points_at(addresses)))
    replies = [
        Answer(np.arange(block.start, block.start + block.count, dtype=">u2").tobytes(), resync=False)
        for block in layout.blocks
    ]
    assert layout.read(replies).raw.tolist() == addresses
    places = [place for members in layout.members for place in members.tolist()]
    assert sorted(places) == list(range(len(addresses)))


def test_ten_thousand_points_are_laid_out_in_many_pieces_and_a_few_in_one() -> None:
    assert sum(1 for _ in laying_out(points_at(list(range(10_000))))) >= 3 * (10_000 // (AT_ONCE + 125)) - 1
    assert sum(1 for _ in laying_out(points_at(list(range(100))))) == 0


def test_a_text_that_could_not_be_read_is_no_empty_text() -> None:
    points = [
        replace(points_at([at])[0], index=index, range=Range(3, at, at + 2), type=ValueType.ASCII)
        for index, at in enumerate((0, 100))
    ]
    layout = at_once(laying_out(points))
    scan = layout.read([Answer(b"abc\0", resync=False), DeviceRefused(text("no such address"), detail=2)])
    assert scan.exact == {0: "abc"}
    assert scan.quality.tolist() == [GOOD, bad(Reason.REFUSED, detail=2)]
