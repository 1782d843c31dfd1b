"""Which bytes on a Modbus TCP connection may be believed to be an answer. Pure.

Source: MODBUS Messaging on TCP/IP Implementation Guide 1.0b, 3.1.3 (the MBAP header).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from config.text import Text, text
from drivers.contract import Desync, DeviceError
from drivers.modbus.frame import ReadRequest, hear_pdu

_HEADER: Final = struct.Struct(">HHHBB")  # transaction, protocol, length, unit id, function code
_LENGTH_AT: Final = 6  # bytes up to the end of the length field, which counts what follows it
_SHORTEST: Final = 3  # unit id, function code, and an exception code or a byte count
_LONGEST: Final = 254  # unit id and the longest PDU

_IN_EVERY_HEAD: Final = bytes(3)  # protocol, and the high byte of a length
_EARLIER: Final = 4  # questions whose answers may still be under way, or come twice


class _Head(NamedTuple):
    transaction: int
    protocol: int
    length: int
    unit_id: int
    function_code: int


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
        if awaited is not None and _ends_with_earlier(heard[used:end], transaction_id):
            return len(heard), Desync(text("an answer was cut off, and an earlier one came in its place"))
        if awaited is not None:
            verdict, request = hear_pdu(heard[end - head.length + 1 : end], awaited), None
        used = end
    if request is None and used < len(heard):
        return len(heard), Desync(text("something arrived that was not asked for"))
    return used, verdict


def _ends_with_earlier(frame: bytes, transaction_id: int) -> bool:
    """Tell whether a frame ends in a whole answer to an earlier question, in place of what was cut off."""
    if frame.find(_IN_EVERY_HEAD, _HEADER.size) < 0:
        return False
    for earlier in range(max(1, transaction_id - _EARLIER), transaction_id):
        at = frame.rfind(earlier.to_bytes(2, "big") + _IN_EVERY_HEAD, _LENGTH_AT)
        if at >= 0 and len(frame) >= at + _LENGTH_AT + _SHORTEST:
            head = _Head(*_HEADER.unpack_from(frame, at))
            if head.length == len(frame) - at - _LENGTH_AT and head.unit_id == frame[_LENGTH_AT]:
                return True
    return False


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
