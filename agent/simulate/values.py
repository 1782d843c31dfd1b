"""What a PLC programmer does to a number before it lies in registers."""

from __future__ import annotations

import math
import struct
from typing import Final

from config.links import WordOrder
from config.tags import ValueType

_FORMATS: Final = {
    ValueType.BOOL: ">H",
    ValueType.INT16: ">h",
    ValueType.UINT16: ">H",
    ValueType.INT32: ">i",
    ValueType.UINT32: ">I",
    ValueType.INT64: ">q",
    ValueType.UINT64: ">Q",
    ValueType.FLOAT32: ">f",
    ValueType.FLOAT64: ">d",
}
_FLOATS: Final = (ValueType.FLOAT32, ValueType.FLOAT64)


def held(value: float, kind: ValueType) -> float:
    """Return the nearest value that a register or node of this type can hold; NaN in a whole number is 0."""
    if kind in _FLOATS:
        return value
    if kind is ValueType.BOOL or math.isnan(value):
        return bool(value) and not math.isnan(value)
    low: int = -(2 ** (kind.bits - 1)) if kind.value.startswith("int") else 0
    high: int = low + 2**kind.bits - 1
    return max(low, min(high, round(value)))


def registers_of(value: float, kind: ValueType, order: WordOrder = WordOrder.ABCD) -> list[int]:
    """Return the registers that hold `value`. Raises struct.error where it does not fit."""
    whole = kind not in _FLOATS
    data = struct.pack(_FORMATS[kind], int(value) if whole else value)
    registers = list(struct.unpack(f">{len(data) // 2}H", data))
    if order in (WordOrder.BADC, WordOrder.DCBA):
        registers = [(register & 0xFF) << 8 | register >> 8 for register in registers]
    if order in (WordOrder.CDAB, WordOrder.DCBA):
        registers.reverse()
    return registers
