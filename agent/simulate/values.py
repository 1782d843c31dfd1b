"""What a PLC programmer does to a value before it lies in registers: the way back of a driver's decoding."""

from __future__ import annotations

import math
import struct
from typing import Final

from config.links import WordOrder
from config.tags import ValueType

Value = bool | int | float | str
"""A raw value: a number, or the text of a type that holds text."""

_FORMATS: Final = {
    ValueType.BOOL: ">H",
    ValueType.INT16: ">h",
    ValueType.UINT16: ">H",
    ValueType.INT32: ">i",
    ValueType.UINT32: ">I",
    ValueType.INT64: ">q",
    ValueType.UINT64: ">Q",
    ValueType.FLOAT16: ">e",
    ValueType.FLOAT32: ">f",
    ValueType.FLOAT64: ">d",
    ValueType.BCD16: ">H",
    ValueType.BCD32: ">I",
    ValueType.TENTHS: ">H",
    ValueType.HUNDREDTHS: ">H",
}
_BCD: Final = (ValueType.BCD16, ValueType.BCD32)
_PARTS: Final = {ValueType.TENTHS: 10, ValueType.HUNDREDTHS: 100}
_GREATEST: Final = {
    ValueType.FLOAT16: 65504.0,
    ValueType.FLOAT32: 3.4028234663852886e38,
    ValueType.FLOAT64: math.inf,
    ValueType.BCD16: 9999,
    ValueType.BCD32: 99_999_999,
    ValueType.TENTHS: 255_9,
    ValueType.HUNDREDTHS: 255_99,
}
_SWAPPED_BYTES: Final = (WordOrder.BADC, WordOrder.DCBA)
_SWAPPED_REGISTERS: Final = (WordOrder.CDAB, WordOrder.DCBA)


def held(value: Value, kind: ValueType) -> Value:
    """Return the nearest value that a register or node of this type can hold.

    A float beyond its type is infinite, NaN in a whole number is 0.
    """
    if isinstance(value, str):
        return value
    if kind.value.startswith("float"):
        return value if not abs(value) > _GREATEST[kind] else math.copysign(math.inf, value)
    if kind is ValueType.BOOL or math.isnan(value):
        return bool(value) and not math.isnan(value)
    parts = _PARTS.get(kind, 1)
    low, high = _bounds(kind)
    number = max(low, min(high, round(value * parts)))
    return number / parts if parts > 1 else number


def registers_of(
    value: Value, kind: ValueType, order: WordOrder = WordOrder.ABCD, words: int | None = None
) -> list[int]:
    """Return the registers that hold `value`; `words`: of a text. Raises struct.error if it does not fit."""
    data = _text(str(value), kind, words or 1) if kind.is_text else _number(value, kind)
    return ordered(list(struct.unpack(f">{len(data) // 2}H", data)), order)


def ordered(registers: list[int], order: WordOrder) -> list[int]:
    """Return registers in another order; the same once more gives them back."""
    if order in _SWAPPED_BYTES:
        registers = [(register & 0xFF) << 8 | register >> 8 for register in registers]
    return registers[::-1] if order in _SWAPPED_REGISTERS else registers


def merged(registers: list[int], value: int, mask: int, order: WordOrder) -> list[int]:
    """Return registers with `value` in the bits of `mask` (lowest first), and nothing else changed."""
    lowest = (mask & -mask).bit_length() - 1
    number = 0
    for register in ordered(registers, order):
        number = number << 16 | register
    number = number & ~mask | min(value, mask >> lowest) << lowest & mask
    count = len(registers)
    return ordered([number >> 16 * (count - 1 - at) & 0xFFFF for at in range(count)], order)


def _bounds(kind: ValueType) -> tuple[int, int]:
    if kind in _GREATEST:
        return 0, int(_GREATEST[kind])
    low: int = -(2 ** (kind.bits - 1)) if kind.value.startswith("int") else 0
    high: int = low + 2**kind.bits - 1
    return low, high


def _number(value: Value, kind: ValueType) -> bytes:
    assert not isinstance(value, str)
    if kind in _BCD:
        value = int(str(int(value)), 16)
    elif kind in _PARTS:
        whole, part = divmod(round(value * _PARTS[kind]), _PARTS[kind])
        value = whole << 8 | part
    elif not kind.value.startswith("float"):
        value = int(value)
    return struct.pack(_FORMATS[kind], value)


def _text(value: str, kind: ValueType, words: int) -> bytes:
    encoding = "ascii" if kind is ValueType.ASCII else "gb18030"
    while len(data := value.encode(encoding, "replace")) > 2 * words:
        value = value[:-1]  # never half a character
    return data.ljust(2 * words, b"\0")
