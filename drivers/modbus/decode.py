"""From the bytes of a scan's answers to its numbers: one gather per kind of value, nothing per reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.links import WordOrder
from config.tags import ValueType
from config.vocabulary import Reason, bad
from drivers.contract import Float64s, Uint32s

_LARGEST_EXACT: Final = 2**53  # float64 holds every whole number up to here
_NOT_A_NUMBER: Final = bad(Reason.NOT_A_NUMBER)
_ON_THE_WIRE: Final[dict[ValueType, np.dtype[Any]]] = {
    ValueType.BOOL: np.dtype(">u2"),
    ValueType.INT16: np.dtype(">i2"),
    ValueType.UINT16: np.dtype(">u2"),
    ValueType.INT32: np.dtype(">i4"),
    ValueType.UINT32: np.dtype(">u4"),
    ValueType.INT64: np.dtype(">i8"),
    ValueType.UINT64: np.dtype(">u8"),
    ValueType.FLOAT32: np.dtype(">f4"),
    ValueType.FLOAT64: np.dtype(">f8"),
}


def byte_order(words: int, order: WordOrder) -> list[int]:
    """Return where the bytes of a value lie in its registers, the most significant first.

    CDAB and DCBA reverse the registers, BADC and DCBA the bytes within each, be they 1, 2 or 4.
    """
    registers = range(words - 1, -1, -1) if order in (WordOrder.CDAB, WordOrder.DCBA) else range(words)
    first = 1 if order in (WordOrder.BADC, WordOrder.DCBA) else 0
    return [byte for register in registers for byte in (2 * register + first, 2 * register + 1 - first)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSlot:
    """A value in whole registers, the first at byte `first_byte` of the data; a bool is "not 0"."""

    index: int
    type: ValueType
    order: WordOrder
    first_byte: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BitSlot:
    """A value that is bit `bit` (0 the lowest, to 7) of the data's byte `byte`."""

    index: int
    byte: int
    bit: int


def bit_of_register(index: int, bit: int, order: WordOrder, first_byte: int) -> BitSlot:
    """Return the slot of bit 0..15 of the register at `first_byte`."""
    high, low = byte_order(1, order)
    return BitSlot(index=index, byte=first_byte + (low if bit < 8 else high), bit=bit % 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The decoded part of a `drivers.contract.Scan`; fresh arrays."""

    raw: Float64s
    quality: Uint32s
    exact: dict[int, int | str]


class Decoder:
    """The tables that turn the data of one scan into `count` numbers; NaN where no slot says otherwise."""

    def __init__(self, count: int, values: Sequence[ValueSlot], bits: Sequence[BitSlot]) -> None:
        self._count = count
        present = sorted({slot.type for slot in values})
        self._kinds = [_Kind(kind, [slot for slot in values if slot.type is kind]) for kind in present]
        self._bit_indices = np.array([slot.index for slot in bits], dtype=np.intp)
        self._bit_bytes = np.array([slot.byte for slot in bits], dtype=np.intp)
        self._bit_shifts = np.array([slot.bit for slot in bits], dtype=np.uint8)
        self._floats = [kind.indices for kind in self._kinds if kind.is_float]

    def decode(self, data: bytes) -> Decoded:
        """Decode the answers of one scan, joined in the order of its blocks.

        Not a number and infinities keep their raw value and are Bad, NOT_A_NUMBER.
        """
        octets = np.frombuffer(data, dtype=np.uint8)
        raw = np.full(self._count, np.nan)
        quality = np.zeros(self._count, dtype=np.uint32)
        exact: dict[int, int | str] = {}
        with np.errstate(invalid="ignore"):  # widening a signalling NaN is no mistake
            for kind in self._kinds:
                kind.decode(octets, raw, exact)
        if self._bit_indices.size:
            raw[self._bit_indices] = octets[self._bit_bytes] >> self._bit_shifts & 1
        for indices in self._floats:
            quality[indices[~np.isfinite(raw[indices])]] = _NOT_A_NUMBER
        return Decoded(raw=raw, quality=quality, exact=exact)


class _Kind:
    """All values of one type."""

    def __init__(self, value_type: ValueType, slots: Sequence[ValueSlot]) -> None:
        words = value_type.words
        self._truth = value_type is ValueType.BOOL
        self._dtype = _ON_THE_WIRE[value_type]
        self._may_exceed = words == 4 and self._dtype.kind in "iu"
        self.is_float = self._dtype.kind == "f"
        self.indices = np.array([slot.index for slot in slots], dtype=np.intp)
        self._bytes = np.array(
            [[slot.first_byte + byte for byte in byte_order(words, slot.order)] for slot in slots],
            dtype=np.intp,
        )

    def decode(self, octets: NDArray[np.uint8], raw: Float64s, exact: dict[int, int | str]) -> None:
        """Write the values to their places in `raw`, and to `exact` those that do not fit there."""
        values = octets.take(self._bytes).view(self._dtype)[:, 0]
        raw[self.indices] = values != 0 if self._truth else values
        if self._may_exceed:
            for at in np.flatnonzero((values > _LARGEST_EXACT) | (values < -_LARGEST_EXACT)):
                exact[int(self.indices[at])] = int(values[at])
