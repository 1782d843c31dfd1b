"""Columns of float64 in as few bytes as give every bit back.

A column is a code byte and its bytes. The code's low nibble is the width, `NAN` says that a bitmap of the NaN
positions (bit 7 of the first byte is position 0) stands before the numbers, which are then only those of the
other positions. A width is chosen only if the way back yields the same 64 bits, so -0.0, infinities and the
last bit of a fraction survive; a NaN comes back as NaN, its payload does not. All numbers are little-endian.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.bodies import RecordError

Float64s = NDArray[np.float64]
Bools = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)

NAN: Final = 0x80
WIDTH_MASK: Final = 0x0F
FLOAT32: Final = 6
FLOAT64: Final = 7
WIDTHS: Final = (
    np.dtype(np.int8),
    np.dtype(np.uint8),
    np.dtype("<i2"),
    np.dtype("<u2"),
    np.dtype("<i4"),
    np.dtype("<u4"),
    np.dtype("<f4"),
    np.dtype("<f8"),
)
_INTEGRAL: Final = tuple(
    (code, float(-(2 ** (bits - 1)) if signed else 0), float(2 ** (bits - signed) - 1))
    for code, (bits, signed) in enumerate(((8, 1), (8, 0), (16, 1), (16, 0), (32, 1), (32, 0)))
)
_FLOAT32_MAX: Final = float(np.finfo(np.float32).max)


def pack_column(numbers: Float64s) -> tuple[int, bytes]:
    """Return code and bytes of a column of any float64."""
    absent = np.isnan(numbers)
    if not absent.any():
        return _pack_present(numbers)
    code, packed = _pack_present(numbers[~absent])
    return code | NAN, np.packbits(absent).tobytes() + packed


def unpack_column(code: int, body: bytes, offset: int, count: int) -> tuple[Float64s, int]:
    """Return `count` numbers and the offset behind them. Raises RecordError."""
    if not code & NAN:
        return _unpack_present(code, body, offset, count)
    absent, offset = unpack_bits(body, offset, count)
    present, offset = _unpack_present(code, body, offset, count - int(absent.sum()))
    numbers = np.full(count, np.nan)
    numbers[~absent] = present
    return numbers, offset


def unpack_bits(body: bytes, offset: int, count: int) -> tuple[Bools, int]:
    """Return a bitmap of `count` positions and the offset behind it. Raises RecordError."""
    end = offset + (count + 7) // 8
    octets = view(body, offset, end - offset, np.dtype(np.uint8))
    return np.unpackbits(octets, count=count).view(np.bool_), end


def view(body: bytes, offset: int, count: int, dtype: np.dtype[Number]) -> NDArray[Number]:
    """Return `count` numbers of `dtype` that lie at `offset`. Raises RecordError."""
    if offset + count * dtype.itemsize > len(body):
        raise RecordError("the body ends within a column")
    return np.frombuffer(body, dtype, count, offset)


def same_bits(one: Float64s, other: Float64s) -> bool:
    """Tell whether two columns of one length are the same 64 bits everywhere."""
    return one.tobytes() == other.tobytes()


def _pack_present(numbers: Float64s) -> tuple[int, bytes]:
    if not len(numbers):
        return 0, b""
    low, high = float(numbers.min()), float(numbers.max())
    for code, least, most in _INTEGRAL:
        if least <= low and high <= most:
            narrow = numbers.astype(WIDTHS[code])
            if same_bits(narrow.astype(np.float64), numbers):
                return code, narrow.tobytes()
            break
    if low >= -_FLOAT32_MAX and high <= _FLOAT32_MAX:
        single = numbers.astype("<f4")
        if same_bits(single.astype(np.float64), numbers):
            return FLOAT32, single.tobytes()
    return FLOAT64, numbers.astype("<f8", copy=False).tobytes()


def _unpack_present(code: int, body: bytes, offset: int, count: int) -> tuple[Float64s, int]:
    width = code & WIDTH_MASK
    if width >= len(WIDTHS):
        raise RecordError(f"column width {width} is unknown")
    dtype = WIDTHS[width]
    return view(body, offset, count, dtype).astype(np.float64), offset + count * dtype.itemsize
