"""Decoding equals a plain reference: struct, one value at a time."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.links import WordOrder
from config.tags import ValueType
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import checksum_of
from drivers.modbus.decode import BitSlot, Decoder, ValueSlot, bit_of_register

FORMATS = {
    ValueType.BOOL: "H",
    ValueType.INT16: "h",
    ValueType.UINT16: "H",
    ValueType.INT32: "i",
    ValueType.UINT32: "I",
    ValueType.INT64: "q",
    ValueType.UINT64: "Q",
    ValueType.FLOAT16: "e",
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
    st.tuples(st.sampled_from(sorted(FORMATS)), st.sampled_from(WordOrder), st.integers(0, 20)), max_size=40
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


def decode_one(hexadecimal: str, kind: ValueType, **more: Any) -> tuple[float, int, int | str | None]:
    """Return raw, quality and exact of one value."""
    words = len(hexadecimal) // 4
    slot = ValueSlot(index=0, type=kind, order=more.pop("order", WordOrder.ABCD), first_byte=0, words=words)
    decoded = Decoder(1, [replace(slot, **more)], []).decode(bytes.fromhex(hexadecimal))
    return float(decoded.raw[0]), int(decoded.quality[0]), decoded.exact.get(0)


@given(st.integers(0, 9999))
def test_decimal_digits_are_read_as_they_stand(number: int) -> None:
    assert decode_one(f"{number:04d}", ValueType.BCD16) == (number, GOOD, None)
    assert decode_one(f"{number:04d}{number:04d}", ValueType.BCD32) == (10001 * number, GOOD, None)


@given(st.integers(0, 255), st.integers(0, 9), st.integers(0, 99))
def test_a_whole_and_a_part_in_two_bytes(whole: int, tenths: int, hundredths: int) -> None:
    assert decode_one(f"{whole:02x}{tenths:02x}", ValueType.TENTHS)[0] == float(f"{whole}.{tenths}")
    wanted = float(f"{whole}.{hundredths:02d}")
    assert decode_one(f"{whole:02x}{hundredths:02x}", ValueType.HUNDREDTHS)[0] == wanted


@pytest.mark.parametrize(
    ("hexadecimal", "kind"),
    [
        ("020A", ValueType.BCD16),
        ("0000F000", ValueType.BCD32),
        ("140A", ValueType.TENTHS),
        ("1464", ValueType.HUNDREDTHS),
        ("4142FF00", ValueType.ASCII),
        ("FFFF", ValueType.GBK),
    ],
)
def test_what_breaks_the_rules_of_its_type_is_undecodable(hexadecimal: str, kind: ValueType) -> None:
    raw, quality, exact = decode_one(hexadecimal, kind)
    assert math.isnan(raw)
    assert (quality, exact) == (bad(Reason.UNDECODABLE), None)


@pytest.mark.parametrize(
    ("hexadecimal", "kind", "order", "words"),
    [
        ("46532D3031000000", ValueType.ASCII, WordOrder.ABCD, "FS-01"),
        ("5346302D00310000", ValueType.ASCII, WordOrder.BADC, "FS-01"),
        ("B7E9BBF02D31202020200000", ValueType.GBK, WordOrder.ABCD, "烽火-1"),
        ("00000000", ValueType.ASCII, WordOrder.ABCD, ""),
    ],
)
def test_texts_are_read_up_to_their_end(
    hexadecimal: str, kind: ValueType, order: WordOrder, words: str
) -> None:
    assert decode_one(hexadecimal, kind, order=order) == (checksum_of(words), GOOD, words)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
def test_a_masks_bits_are_moved_down(number: int, mask: int) -> None:
    shifted = (number & mask) // (mask & -mask)
    assert decode_one(f"{number:08x}", ValueType.UINT32, mask=mask)[0] == shifted


def test_masked_and_whole_registers_of_one_type_do_not_disturb_each_other() -> None:
    slots = [
        ValueSlot(index=at, type=ValueType.UINT16, order=WordOrder.ABCD, first_byte=0, mask=mask)
        for at, mask in enumerate((None, 0xFF00, 0x00F0))
    ]
    assert Decoder(3, slots, []).decode(b"\xf2\x34").raw.tolist() == [0xF234, 0xF2, 3]
