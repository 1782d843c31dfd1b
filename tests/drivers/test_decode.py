"""Decoding equals a plain reference: struct, one value at a time."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.links import WordOrder
from config.tags import ValueType
from config.vocabulary import GOOD, Reason, bad
from drivers.modbus.decode import BitSlot, Decoder, ValueSlot, bit_of_register

FORMATS = {
    ValueType.BOOL: "H",
    ValueType.INT16: "h",
    ValueType.UINT16: "H",
    ValueType.INT32: "i",
    ValueType.UINT32: "I",
    ValueType.INT64: "q",
    ValueType.UINT64: "Q",
    ValueType.FLOAT32: "f",
    ValueType.FLOAT64: "d",
}


def reference(data: bytes, kind: ValueType, order: WordOrder) -> float | int:
    """Undo what the letters say, then let struct read big-endian bytes."""
    pairs = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order in (WordOrder.CDAB, WordOrder.DCBA):
        pairs = pairs[::-1]
    if order in (WordOrder.BADC, WordOrder.DCBA):
        pairs = [pair[::-1] for pair in pairs]
    (value,) = struct.unpack(">" + FORMATS[kind], b"".join(pairs))
    return int(value != 0) if kind is ValueType.BOOL else value


some_slots = st.lists(
    st.tuples(st.sampled_from(ValueType), st.sampled_from(WordOrder), st.integers(0, 20)), max_size=40
)


@given(st.binary(min_size=48, max_size=48), some_slots)
def test_every_value_is_what_struct_reads(data: bytes, drawn: list[tuple[ValueType, WordOrder, int]]) -> None:
    slots = [
        ValueSlot(index=index, type=kind, order=order, first_byte=2 * word)
        for index, (kind, order, word) in enumerate(drawn)
    ]
    decoded = Decoder(len(slots), slots, []).decode(data)
    for slot in slots:
        taken = data[slot.first_byte : slot.first_byte + 2 * slot.type.words]
        value = reference(taken, slot.type, slot.order)
        raw, quality = decoded.raw[slot.index], decoded.quality[slot.index]
        if math.isfinite(value):
            assert raw == float(value)
            assert quality == GOOD
        else:
            assert math.isnan(value) == math.isnan(raw)
            assert quality == bad(Reason.NOT_A_NUMBER)
        wide = slot.type in (ValueType.INT64, ValueType.UINT64)
        assert decoded.exact.get(slot.index) == (value if wide and abs(value) > 2**53 else None)


@given(st.binary(min_size=8, max_size=8), st.integers(0, 3), st.integers(0, 15), st.sampled_from(WordOrder))
def test_a_bit_of_a_register_is_that_bit_of_its_number(
    data: bytes, word: int, bit: int, order: WordOrder
) -> None:
    number = reference(data[2 * word : 2 * word + 2], ValueType.UINT16, order)
    decoded = Decoder(1, [], [bit_of_register(0, bit, order, 2 * word)]).decode(data)
    assert decoded.raw[0] == int(number) >> bit & 1


@given(st.lists(st.booleans(), min_size=1, max_size=64))
def test_coils_lie_lowest_bit_first(coils: list[bool]) -> None:
    data = np.packbits(coils, bitorder="little").tobytes()
    bits = [BitSlot(index=at, byte=at // 8, bit=at % 8) for at in range(len(coils))]
    assert Decoder(len(coils), [], bits).decode(data).raw.tolist() == coils


@pytest.mark.parametrize(
    ("order", "hexadecimal"),
    [
        (WordOrder.ABCD, "41CC0000"),
        (WordOrder.CDAB, "000041CC"),
        (WordOrder.BADC, "CC410000"),
        (WordOrder.DCBA, "0000CC41"),
    ],
)
def test_25_5_in_the_four_orders(order: WordOrder, hexadecimal: str) -> None:
    slot = ValueSlot(index=0, type=ValueType.FLOAT32, order=order, first_byte=0)
    assert Decoder(1, [slot], []).decode(bytes.fromhex(hexadecimal)).raw[0] == 25.5


@pytest.mark.parametrize("hexadecimal", ["7FC00000", "7FA00000", "FFFFFFFF", "7F800000", "FF800000"])
def test_what_is_not_a_number_is_bad_and_raises_no_warning(hexadecimal: str) -> None:
    slot = ValueSlot(index=0, type=ValueType.FLOAT32, order=WordOrder.ABCD, first_byte=0)
    decoded = Decoder(1, [slot], []).decode(bytes.fromhex(hexadecimal))
    assert decoded.quality[0] == bad(Reason.NOT_A_NUMBER)
    assert not np.isfinite(decoded.raw[0])


def test_what_no_slot_brings_is_nan_and_not_blamed_on_the_device() -> None:
    slot = ValueSlot(index=1, type=ValueType.FLOAT32, order=WordOrder.ABCD, first_byte=0)
    decoded = Decoder(2, [slot], []).decode(bytes.fromhex("41CC0000"))
    assert np.isnan(decoded.raw[0])
    assert decoded.quality.tolist() == [GOOD, GOOD]
