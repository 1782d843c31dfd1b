"""What a question asks for, and which PDUs may be believed to be its answer. Pure.

Source: MODBUS Application Protocol 1.1b3, 6 (functions) and 7 (exceptions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from config.text import text
from drivers.contract import Desync, DeviceError, DeviceRefused

READ_BITS: Final = frozenset({1, 2})
READ_WORDS: Final = frozenset({3, 4})
READ_ONLY: Final = READ_BITS | READ_WORDS

EXCEPTION: Final = 0x80
"""Added to the function code of a refused request."""

DEVICE_FAILURE: Final = 4
_NO_MEANING: Final = text("a code of the device's own")
EXCEPTIONS: Final = {
    1: text("function code not supported"),
    2: text("no such address"),
    3: text("number of registers not allowed"),
    DEVICE_FAILURE: text("device failure"),
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


def payload_bytes(function_code: int, count: int) -> int:
    """Return how many bytes `count` words or bits take in an answer."""
    return 2 * count if function_code in READ_WORDS else (count + 7) // 8


def hear_pdu(pdu: bytes, request: ReadRequest) -> bytes | DeviceError:
    """Judge a whole PDU of at least two bytes: the payload, a DeviceRefused, or a Desync."""
    if pdu[0] == request.function_code:
        if pdu[1] == request.payload_bytes == len(pdu) - 2:
            return pdu[2:]
        return Desync(text("an answer counts {found} bytes of values", found=pdu[1]))
    if pdu[0] == request.function_code | EXCEPTION and len(pdu) == 2 and pdu[1] != 0:
        meaning = EXCEPTIONS.get(pdu[1], _NO_MEANING)
        return DeviceRefused(
            text("refused: {meaning} (exception {code})", meaning=meaning, code=pdu[1]), detail=pdu[1]
        )
    return Desync(text("function code {found} was answered for another", found=pdu[0]))
