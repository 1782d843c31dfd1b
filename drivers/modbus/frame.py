"""What a question asks for, and which bytes may be believed to be its answer. Pure.

Source: MODBUS Application Protocol 1.1b3 (functions, exceptions), Messaging on TCP/IP 1.0b (header).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from config.text import Text, text
from drivers.contract import Desync, DeviceError, DeviceRefused

READ_BITS: Final = frozenset({1, 2})
READ_WORDS: Final = frozenset({3, 4})
READ_ONLY: Final = READ_BITS | READ_WORDS

_HEADER: Final = struct.Struct(">HHHBB")  # transaction, protocol, length, unit id, function code
_LENGTH_AT: Final = 6  # bytes up to the end of the length field, which counts what follows it
_SHORTEST: Final = 3  # unit id, function code, and an exception code or a byte count
_LONGEST: Final = 254  # unit id and the longest PDU
_EXCEPTION: Final = 0x80  # added to the function code of a refused request

_NO_MEANING: Final = text("a code of the device's own")
EXCEPTIONS: Final = {
    1: text("function code not supported"),
    2: text("no such address"),
    3: text("number of registers not allowed"),
    4: text("device failure"),
    5: text("accepted, not ready yet"),
    6: text("device busy"),
    8: text("memory parity error"),
    10: text("gateway has no path"),
    11: text("no answer behind the gateway"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One question: `count` words (function codes 3, 4) or bits (1, 2) from `address`, 0-based."""

    unit_id: int
    function_code: int
    address: int
    count: int

    @property
    def payload_bytes(self) -> int:
        """Bytes of values that the only right answer carries."""
        return payload_bytes(self.function_code, self.count)


class Answer(NamedTuple):
    """What a device answered: the payload as it was on the wire.

    `resync`: the first answer after the link was resynchronised, to be taken with doubt.
    """

    payload: bytes
    resync: bool


class _Head(NamedTuple):
    transaction: int
    protocol: int
    length: int
    unit_id: int
    function_code: int


def payload_bytes(function_code: int, count: int) -> int:
    """Return how many bytes `count` words or bits take in an answer."""
    return 2 * count if function_code in READ_WORDS else (count + 7) // 8


def hear_mbap(
    heard: bytes, transaction_id: int, request: ReadRequest | None
) -> tuple[int, bytes | DeviceError | None]:
    """Judge what was heard since the last frame; return (bytes used up, verdict).

    The verdict is the payload that answers `request`, the failure that the bytes mean (Desync,
    DeviceRefused), or None: nothing yet. Answers to earlier questions of this connection (doubled ones) are
    passed over whole. Anything else is a Desync: what cannot be the answer, what arrives unasked (`request`
    None), and also an answer with something unasked behind it, for that may be the tail of another one.
    A frame's start is never searched for.
    """
    used = 0
    verdict: bytes | DeviceError | None = None
    while len(heard) - used >= _HEADER.size:
        head = _Head(*_HEADER.unpack_from(heard, used))
        awaited = request if head.transaction == transaction_id else None
        if (misfit := _misfit(head, transaction_id, awaited)) is not None:
            return len(heard), Desync(misfit)
        end = used + _LENGTH_AT + head.length
        if len(heard) < end:
            break
        if awaited is not None:
            verdict, request = hear_pdu(heard[end - head.length + 1 : end], awaited), None
        used = end
    if request is None and used < len(heard):
        return len(heard), Desync(text("something arrived that was not asked for"))
    return used, verdict


def _misfit(head: _Head, transaction_id: int, awaited: ReadRequest | None) -> Text | None:
    """Return why a frame with this head is neither the answer nor an earlier one."""
    if head.protocol != 0 or not _SHORTEST <= head.length <= _LONGEST:
        return text("an answer has no Modbus TCP header")
    if awaited is None:
        if 0 < head.transaction <= transaction_id:
            return None
        return text("transaction id {found} was never asked", found=head.transaction)
    if head.length not in (_SHORTEST, _SHORTEST + awaited.payload_bytes):
        return text("an answer is longer or shorter than what was asked for")
    if head.unit_id != awaited.unit_id:
        return text("unit {found} answered for another", found=head.unit_id)
    return None


def hear_pdu(pdu: bytes, request: ReadRequest) -> bytes | DeviceError:
    """Judge a whole answer without its envelope: the payload, a DeviceRefused, or a Desync."""
    if pdu[0] == request.function_code:
        if pdu[1] == request.payload_bytes == len(pdu) - 2:
            return pdu[2:]
        return Desync(text("an answer counts {found} bytes of values", found=pdu[1]))
    if pdu[0] == request.function_code | _EXCEPTION and len(pdu) == 2 and pdu[1] != 0:
        meaning = EXCEPTIONS.get(pdu[1], _NO_MEANING)
        return DeviceRefused(
            text("refused: {meaning} (exception {code})", meaning=meaning, code=pdu[1]), detail=pdu[1]
        )
    return Desync(text("function code {found} was answered for another", found=pdu[0]))
