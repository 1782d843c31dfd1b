"""How a device may misbehave: from the right answer to what it sends instead. Pure, and seeded by its caller.

Every wrong answer carries wrong values, so that a receiver that believes one can be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple, Protocol

WRONG: Final = 0xA5
"""Every byte of a value that nobody may believe."""

_EXCEPTION: Final = 0x80
_PDU_HEAD: Final = 2  # function code, byte count
_FLOOD: Final = 1000


class Manner(StrEnum):
    """One way to answer a Modbus question."""

    POLITE = "polite"
    DELAYED = "delayed"
    LATE = "late"
    DOUBLED = "doubled"
    WRONG_TRANSACTION = "wrong_transaction"
    TRANSACTION_ZERO = "transaction_zero"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_CHECKSUM = "wrong_checksum"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    SILENT = "silent"
    EXCEPTION = "exception"
    TRICKLE = "trickle"
    FLOOD = "flood"
    CLOSE = "close"


class Conduct(NamedTuple):
    """How one question is answered; `pause_s`: what the manner's pause is."""

    manner: Manner
    pause_s: float = 0.0


POLITE: Final = Conduct(Manner.POLITE)


_ONLY_ON_TCP: Final = (Manner.WRONG_TRANSACTION, Manner.TRANSACTION_ZERO)
_NOT_WRONG: Final = (Manner.POLITE, Manner.DELAYED)
RUDE_ON_TCP: Final = tuple(each for each in Manner if each not in (*_NOT_WRONG, Manner.WRONG_CHECKSUM))
RUDE_ON_A_BUS: Final = tuple(each for each in Manner if each not in (*_NOT_WRONG, *_ONLY_ON_TCP))


class Envelope(Protocol):
    """What a PDU is sent in."""

    @property
    def transaction(self) -> int | None:
        """The number of the question; None where questions have none."""
        ...

    def frame(self, unit_id: int, pdu: bytes, transaction: int | None) -> bytes:
        """Return the frame."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The right answer to one question."""

    envelope: Envelope
    unit_id: int
    pdu: bytes

    def frame(self, *, unit_id: int | None = None, pdu: bytes | None = None, transaction: int = -1) -> bytes:
        """Return the frame, changed as told."""
        return self.envelope.frame(
            self.unit_id if unit_id is None else unit_id,
            self.pdu if pdu is None else pdu,
            self.envelope.transaction if transaction < 0 else transaction,
        )

    @property
    def wrong_pdu(self) -> bytes:
        """The answer with values that nobody may believe."""
        return self.pdu[:_PDU_HEAD] + bytes([WRONG]) * (len(self.pdu) - _PDU_HEAD)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to send after a pause in seconds, counted from the piece before; None: close the connection.

    `stray`: a serial gateway may send this to whoever is connected by then.
    """

    pause_s: float
    data: bytes | None
    stray: bool = False


def misbehave(manner: Manner, right: Reply, late_s: float, random: Random) -> list[Piece]:
    """Return what a device of this manner sends instead of the answer `right`.

    `late_s`: pause that the asker does not wait for.
    """
    return _CONDUCT[manner](right, late_s, random)


def _other(value: int, of: int, random: Random) -> int:
    return (value + random.randrange(1, of)) % of


def _doubled(right: Reply, late_s: float, random: Random) -> list[Piece]:
    numbered = right.envelope.transaction is not None
    pause_s = random.choice((0.0, late_s / 50)) if numbered else 0.0
    return [Piece(0, right.frame()), Piece(pause_s, right.frame(), stray=True)]


def _wrong_transaction(right: Reply, _: float, random: Random) -> list[Piece]:
    transaction = _other(right.envelope.transaction or 0, 0x10000, random)
    return [Piece(0, right.frame(pdu=right.wrong_pdu, transaction=transaction))]


def _wrong_function(right: Reply, _: float, random: Random) -> list[Piece]:
    return [Piece(0, right.frame(pdu=bytes([_other(right.pdu[0], 256, random)]) + right.wrong_pdu[1:]))]


def _wrong_checksum(right: Reply, _: float, random: Random) -> list[Piece]:
    frame = bytearray(right.frame(pdu=right.wrong_pdu))
    frame[-random.choice((1, 2))] ^= random.randrange(1, 256)
    return [Piece(0, bytes(frame))]


def _resized(right: Reply, by: int) -> list[Piece]:
    size = right.pdu[1] + by
    return [Piece(0, right.frame(pdu=bytes([right.pdu[0], size & 0xFF]) + bytes([WRONG]) * size))]


def _truncated(right: Reply, _: float, random: Random) -> list[Piece]:
    frame = right.frame(pdu=right.wrong_pdu)
    return [Piece(0, frame[: random.randrange(1, len(frame))])]


def _exception(right: Reply, _: float, random: Random) -> list[Piece]:
    return [Piece(0, right.frame(pdu=bytes((right.pdu[0] | _EXCEPTION, random.choice((1, 4, 6))))))]


def _flood(right: Reply, _late: float, _: Random) -> list[Piece]:
    return [Piece(0, right.frame() + right.frame(pdu=right.wrong_pdu) * _FLOOD)]


def _trickle(right: Reply, late_s: float, _: Random) -> list[Piece]:
    frame = right.frame(pdu=right.wrong_pdu)
    return [Piece(2 * late_s / len(frame), bytes([byte])) for byte in frame]


_CONDUCT: Final[dict[Manner, Callable[[Reply, float, Random], list[Piece]]]] = {
    Manner.POLITE: lambda right, _late, _r: [Piece(0, right.frame())],
    Manner.DELAYED: lambda right, late_s, _r: [Piece(late_s, right.frame())],
    Manner.LATE: lambda right, late_s, _r: [Piece(late_s, right.frame(pdu=right.wrong_pdu), stray=True)],
    Manner.DOUBLED: _doubled,
    Manner.WRONG_TRANSACTION: _wrong_transaction,
    Manner.TRANSACTION_ZERO: lambda right, _late, _r: [
        Piece(0, right.frame(pdu=right.wrong_pdu, transaction=0))
    ],
    Manner.WRONG_UNIT: lambda right, _late, r: [
        Piece(0, right.frame(unit_id=_other(right.unit_id, 256, r), pdu=right.wrong_pdu))
    ],
    Manner.WRONG_FUNCTION: _wrong_function,
    Manner.WRONG_CHECKSUM: _wrong_checksum,
    Manner.TOO_FEW: lambda right, _late, r: _resized(right, -r.randrange(1, right.pdu[1] + 1)),
    Manner.TOO_MANY: lambda right, _late, r: _resized(right, r.randrange(1, 16)),
    Manner.TRUNCATED: _truncated,
    Manner.GARBAGE: lambda _right, _late, r: [Piece(0, r.randbytes(r.randrange(1, 300)))],
    Manner.SILENT: lambda _right, _late, _r: [],
    Manner.EXCEPTION: _exception,
    Manner.TRICKLE: _trickle,
    Manner.FLOOD: _flood,
    Manner.CLOSE: lambda _right, _late, _r: [Piece(0, None)],
}
