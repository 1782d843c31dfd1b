"""What a PLC programmer does to a number before it lies in registers."""

from __future__ import annotations

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


def registers_of(value: float, kind: ValueType, order: WordOrder = WordOrder.ABCD) -> list[int]:
    """Return the registers that hold `value`. Raises struct.error where it does not fit."""
    whole = kind not in (ValueType.FLOAT32, ValueType.FLOAT64)
    data = struct.pack(_FORMATS[kind], int(value) if whole else value)
    registers = list(struct.unpack(f">{len(data) // 2}H", data))
    if order in (WordOrder.BADC, WordOrder.DCBA):
        registers = [(register & 0xFF) << 8 | register >> 8 for register in registers]
    if order in (WordOrder.CDAB, WordOrder.DCBA):
        registers.reverse()
    return registers
