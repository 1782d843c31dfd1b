"""From the bytes of a scan's answers to its numbers: one gather per kind of value, nothing per reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.links import WordOrder
from config.tags import ValueType, lowest_bit
from config.vocabulary import Reason, bad
from drivers.contract import Float64s, Uint32s, checksum_of

_LARGEST_EXACT: Final = 2**53  # float64 holds every whole number up to here
_ALL_BITS: Final = 2**64 - 1
_NOT_A_NUMBER: Final = bad(Reason.NOT_A_NUMBER)
_UNDECODABLE: Final = bad(Reason.UNDECODABLE)
_ON_THE_WIRE: Final[dict[ValueType, np.dtype[Any]]] = {
    ValueType.BOOL: np.dtype(">u2"),
    ValueType.INT16: np.dtype(">i2"),
    ValueType.UINT16: np.dtype(">u2"),
    ValueType.INT32: np.dtype(">i4"),
    ValueType.UINT32: np.dtype(">u4"),
    ValueType.INT64: np.dtype(">i8"),
    ValueType.UINT64: np.dtype(">u8"),
    ValueType.FLOAT16: np.dtype(">f2"),
    ValueType.FLOAT32: np.dtype(">f4"),
    ValueType.FLOAT64: np.dtype(">f8"),
    ValueType.BCD16: np.dtype(">u2"),
    ValueType.BCD32: np.dtype(">u4"),
    ValueType.TENTHS: np.dtype(">u2"),
    ValueType.HUNDREDTHS: np.dtype(">u2"),
}


@cache
def byte_order(words: int, order: WordOrder) -> tuple[int, ...]:
    """Return where the bytes of a value lie in its registers, the most significant first.

    CDAB and DCBA reverse the registers, BADC and DCBA the bytes within each, be they 1, 2 or 4.
    """
    registers = range(words - 1, -1, -1) if order in (WordOrder.CDAB, WordOrder.DCBA) else range(words)
    first = 1 if order in (WordOrder.BADC, WordOrder.DCBA) else 0
    return tuple(byte for register in registers for byte in (2 * register + first, 2 * register + 1 - first))


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSlot:
    """A value in `words` registers, the first at byte `first_byte` of the data; a bool is "not 0".

    `mask`: of an unsigned number's bits, those that are the value.
    """

    index: int
    type: ValueType
    order: WordOrder
    first_byte: int
    words: int = 1
    mask: int | None = None


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
        slots: dict[ValueType, list[ValueSlot]] = {}
        for slot in values:
            slots.setdefault(slot.type, []).append(slot)
        self._kinds = {kind: _Kind(kind, found) for kind, found in slots.items() if not kind.is_text}
        self._texts = [_Text(slot) for kind, found in slots.items() if kind.is_text for slot in found]
        self._bit_indices = np.array([slot.index for slot in bits], dtype=np.intp)
        self._bit_bytes = np.array([slot.byte for slot in bits], dtype=np.intp)
        self._bit_shifts = np.array([slot.bit for slot in bits], dtype=np.uint8)

    def join(self, other: Decoder) -> None:
        """Take over the tables of another one, which brings other numbers of the same scan."""
        for value_type, kind in other._kinds.items():
            if value_type in self._kinds:
                self._kinds[value_type].join(kind)
            else:
                self._kinds[value_type] = kind
        self._texts += other._texts
        self._bit_indices = np.concatenate((self._bit_indices, other._bit_indices))
        self._bit_bytes = np.concatenate((self._bit_bytes, other._bit_bytes))
        self._bit_shifts = np.concatenate((self._bit_shifts, other._bit_shifts))

    def decode(self, data: bytes) -> Decoded:
        """Decode the answers of one scan, joined in the order of its blocks.

        Not a number and infinities keep their raw value and are Bad, NOT_A_NUMBER; what breaks the rules of
        its type has none and is Bad, UNDECODABLE.
        """
        octets = np.frombuffer(data, dtype=np.uint8)
        decoded = Decoded(
            raw=np.full(self._count, np.nan), quality=np.zeros(self._count, dtype=np.uint32), exact={}
        )
        with np.errstate(invalid="ignore"):  # widening a signalling NaN is no mistake
            for kind in self._kinds.values():
                kind.decode(octets, decoded)
        for found in self._texts:
            found.decode(octets, decoded)
        if self._bit_indices.size:
            decoded.raw[self._bit_indices] = octets[self._bit_bytes] >> self._bit_shifts & 1
        return decoded


class _Kind:
    """All values of one type of number."""

    def __init__(self, value_type: ValueType, slots: Sequence[ValueSlot]) -> None:
        words = value_type.words
        self._dtype = _ON_THE_WIRE[value_type]
        self._read = _READINGS.get(value_type)
        self._may_exceed = words == 4 and self._dtype.kind in "iu"
        self._indices = np.array([slot.index for slot in slots], dtype=np.intp)
        firsts = np.array([slot.first_byte for slot in slots], dtype=np.intp)
        self._bytes = firsts[:, None] + np.array([byte_order(words, slot.order) for slot in slots])
        masks = [slot.mask or _ALL_BITS >> (64 - value_type.bits) for slot in slots]
        self._masked = any(slot.mask is not None for slot in slots)
        self._masks = np.array(masks, dtype=np.uint64)
        self._shifts = np.array([lowest_bit(mask) for mask in masks], dtype=np.uint64)

    def join(self, other: _Kind) -> None:
        """Take over more values of the same type."""
        self._indices = np.concatenate((self._indices, other._indices))
        self._bytes = np.concatenate((self._bytes, other._bytes))
        self._masks = np.concatenate((self._masks, other._masks))
        self._shifts = np.concatenate((self._shifts, other._shifts))
        self._masked |= other._masked

    def decode(self, octets: NDArray[np.uint8], into: Decoded) -> None:
        """Write the values to their places, and to `exact` those that do not fit there."""
        values: NDArray[Any] = octets.take(self._bytes).view(self._dtype)[:, 0]
        if self._masked:
            values = (values.astype(np.uint64) & self._masks) >> self._shifts
        if self._read is not None:
            values = self._read(values)
            into.quality[self._indices[np.isnan(values)]] = _UNDECODABLE
        elif self._dtype.kind == "f":
            into.quality[self._indices[~np.isfinite(values)]] = _NOT_A_NUMBER
        into.raw[self._indices] = values
        if self._may_exceed:
            for at in np.flatnonzero((values > _LARGEST_EXACT) | (values < -_LARGEST_EXACT)):
                into.exact[int(self._indices[at])] = int(values[at])


class _Text:
    """One text, up to its first NUL, without spaces at its end."""

    def __init__(self, slot: ValueSlot) -> None:
        self._index = slot.index
        self._bytes = [slot.first_byte + byte for byte in byte_order(slot.words, slot.order)]
        self._encoding = "ascii" if slot.type is ValueType.ASCII else "gb18030"

    def decode(self, octets: NDArray[np.uint8], into: Decoded) -> None:
        """Write the text to `exact` and what stands for it to its place."""
        data = octets[self._bytes].tobytes().partition(b"\0")[0]
        try:
            found = data.decode(self._encoding).rstrip()
        except UnicodeDecodeError:
            into.quality[self._index] = _UNDECODABLE
            return
        into.raw[self._index] = checksum_of(found)
        into.exact[self._index] = found


def _truth(values: NDArray[Any]) -> Float64s:
    number: Float64s = (values != 0).astype(np.float64)
    return number


def _from_bcd(values: NDArray[Any]) -> Float64s:
    """Return the numbers whose decimal digits are the nibbles; NaN where one is no digit."""
    number = np.zeros(values.shape)
    for digit in range(2 * values.dtype.itemsize - 1, -1, -1):
        nibble = values >> 4 * digit & 0xF
        number = 10 * number + np.where(nibble < 10, nibble, np.nan)
    return number


def _whole_and_part(values: NDArray[Any], parts: int) -> Float64s:
    """Return the numbers whose high byte is the whole and whose low byte counts `parts` of one."""
    low = values & 0xFF
    number: Float64s = (parts * (values >> 8) + low) / parts
    number[low >= parts] = np.nan
    return number


_READINGS: Final[dict[ValueType, Callable[[NDArray[Any]], Float64s]]] = {
    ValueType.BOOL: _truth,
    ValueType.BCD16: _from_bcd,
    ValueType.BCD32: _from_bcd,
    ValueType.TENTHS: partial(_whole_and_part, parts=10),
    ValueType.HUNDREDTHS: partial(_whole_and_part, parts=100),
}
"""Types that are read otherwise than by their bytes; NaN: the rules of the type are broken."""
