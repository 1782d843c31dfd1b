"""How a device may misbehave: from the right answer to what it sends instead. Pure, and seeded by its caller.

Every wrong answer carries wrong values, so that a receiver that believes one can be told.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

_HEADER: Final = struct.Struct(">HHHBB")
WRONG: Final = 0xA5
"""Every byte of a value that nobody may believe."""


class Manner(StrEnum):
    """One way to answer a Modbus TCP question."""

    POLITE = "polite"
    LATE = "late"
    DOUBLED = "doubled"
    WRONG_TRANSACTION = "wrong_transaction"
    TRANSACTION_ZERO = "transaction_zero"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    SILENT = "silent"
    EXCEPTION = "exception"
    TRICKLE = "trickle"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to send after a pause in seconds, counted from the piece before; None: close the connection.

    `stray`: a serial gateway may send this to whoever is connected by then.
    """

    pause_s: float
    data: bytes | None
    stray: bool = False


def misbehave(manner: Manner, right: bytes, late_s: float, random: Random) -> list[Piece]:
    """Return what a device of this manner sends instead of the frame `right`.

    `late_s`: pause that the asker does not wait for.
    """
    return _CONDUCT[manner](right, late_s, random)


def _with(right: bytes, *, transaction: int = -1, unit: int = -1, function: int = -1) -> bytes:
    found = _HEADER.unpack_from(right)
    return _frame(
        found[0] if transaction < 0 else transaction,
        found[3] if unit < 0 else unit,
        found[4] if function < 0 else function,
        _wrong_values(right)[_HEADER.size :],
    )


def _frame(transaction: int, unit: int, function: int, body: bytes) -> bytes:
    return _HEADER.pack(transaction, 0, len(body) + 2, unit, function) + body


def _wrong_values(right: bytes) -> bytes:
    kept = _HEADER.size + 1
    return right[:kept] + bytes([WRONG]) * (len(right) - kept)


def _resized(right: bytes, by: int) -> bytes:
    transaction, _, _, unit, function = _HEADER.unpack_from(right)
    size = right[_HEADER.size] + by
    return _frame(transaction, unit, function, bytes([size & 0xFF]) + bytes([WRONG]) * size)


def _other_transaction(right: bytes, random: Random) -> bytes:
    return _with(right, transaction=(_HEADER.unpack_from(right)[0] + random.randrange(1, 0xFFFF)) & 0xFFFF)


def _truncated(right: bytes, _: float, random: Random) -> list[Piece]:
    return [Piece(0, _wrong_values(right)[: random.randrange(1, len(right))])]


def _trickle(right: bytes, late_s: float, _: Random) -> list[Piece]:
    pause_s = 2 * late_s / len(right)
    return [Piece(pause_s, bytes([byte])) for byte in _wrong_values(right)]


_CONDUCT: Final[dict[Manner, Callable[[bytes, float, Random], list[Piece]]]] = {
    Manner.POLITE: lambda right, _late, _r: [Piece(0, right)],
    Manner.LATE: lambda right, late_s, _r: [Piece(late_s, _wrong_values(right), stray=True)],
    Manner.DOUBLED: lambda right, late_s, r: [
        Piece(0, right),
        Piece(r.choice((0, late_s / 50)), right, stray=True),
    ],
    Manner.WRONG_TRANSACTION: lambda right, _late, r: [Piece(0, _other_transaction(right, r))],
    Manner.TRANSACTION_ZERO: lambda right, _late, _r: [Piece(0, _with(right, transaction=0))],
    Manner.WRONG_UNIT: lambda right, _late, r: [
        Piece(0, _with(right, unit=(right[6] + r.randrange(1, 256)) & 0xFF))
    ],
    Manner.WRONG_FUNCTION: lambda right, _late, r: [
        Piece(0, _with(right, function=(right[7] + r.randrange(1, 256)) & 0xFF))
    ],
    Manner.TOO_FEW: lambda right, _late, r: [Piece(0, _resized(right, -r.randrange(1, right[8] + 1)))],
    Manner.TOO_MANY: lambda right, _late, r: [Piece(0, _resized(right, r.randrange(1, 16)))],
    Manner.TRUNCATED: _truncated,
    Manner.GARBAGE: lambda _right, _late, r: [Piece(0, r.randbytes(r.randrange(1, 300)))],
    Manner.SILENT: lambda _right, _late, _r: [],
    Manner.EXCEPTION: lambda right, _late, r: [
        Piece(
            0,
            _frame(int.from_bytes(right[:2], "big"), right[6], right[7] | 0x80, bytes([r.choice((1, 4, 6))])),
        )
    ],
    Manner.TRICKLE: _trickle,
    Manner.CLOSE: lambda _right, _late, _r: [Piece(0, None)],
}
