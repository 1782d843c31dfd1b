"""Which bytes on a serial bus may be believed to be an answer. Pure.

Source: MODBUS over Serial Line 1.02, 2.5.1 (RTU framing, gaps) and 6.2 (CRC).
"""

from __future__ import annotations

from typing import Final

from config.links import ModbusBus, ModbusRtuLink
from config.text import Text, text
from drivers.contract import Desync, DeviceError
from drivers.modbus.frame import EXCEPTION, ReadRequest, hear_pdu

QUESTION_BYTES: Final = 8  # unit id, function code, address, count, CRC
_ENVELOPE_BYTES: Final = 3  # unit id, CRC
REFUSAL_BYTES: Final = 2 + _ENVELOPE_BYTES
_LONGEST_FRAME_BYTES: Final = 256
_CRC_START: Final = 0xFFFF
_CRC_POLYNOMIAL: Final = 0xA001
_SECOND_NS: Final = 10**9
_NOISE: Final = bytes(
    (0, *range(248, 256))
)  # no unit ids; what transceivers leave on the bus when they switch

_BITS_PER_CHARACTER: Final = 11
_GAP_CHARACTERS: Final = 3.5
_SHORTEST_GAP_S: Final = 0.00175  # above 19200 baud


def _crc_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc16(data: bytes) -> int:
    """Return the CRC of a frame; on the wire its low byte comes first."""
    crc = _CRC_START
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def character_s(bus: ModbusBus) -> float:
    """Return how long a character takes, in seconds: 11 bits whatever the parity."""
    return _BITS_PER_CHARACTER / bus.baud


def gap_s(bus: ModbusBus) -> float:
    """Return how long the bus must be silent between frames, in seconds."""
    return max(_GAP_CHARACTERS * character_s(bus), _SHORTEST_GAP_S)


def pause_s(bus: ModbusBus) -> float:
    """Return how long the bus must be silent before a question, in seconds."""
    turnaround_ns = bus.turnaround if isinstance(bus, ModbusRtuLink) else 0
    return gap_s(bus) + turnaround_ns / _SECOND_NS


def settle_s(bus: ModbusBus) -> float:
    """Return how long the bus must be silent after a doubt, in seconds."""
    return max(pause_s(bus), bus.settle / _SECOND_NS)


def frames_s(bus: ModbusBus, request: ReadRequest) -> float:
    """Return how long question and answer are on the bus, in seconds."""
    return (QUESTION_BYTES + _answer_bytes(request)) * character_s(bus)


def longest_frame_s(bus: ModbusBus) -> float:
    """Return how long the longest frame is on the bus, in seconds."""
    return _LONGEST_FRAME_BYTES * character_s(bus)


def hear_rtu(
    heard: bytes, _transaction_id: int, request: ReadRequest | None
) -> tuple[int, bytes | DeviceError | None]:
    """Judge what was heard since the question; return (bytes used up, verdict).

    The verdict is the payload that answers `request`, the failure that the bytes mean (Desync,
    DeviceRefused), or None: nothing yet. RTU has no transaction id: an answer to an earlier question for as
    many registers cannot be told from ours, which is why a doubtful bus must fall silent first. What follows
    an answer is left over, to be judged as unasked. Noise before a frame is passed over.
    """
    frame = heard.lstrip(_NOISE)
    noise = len(heard) - len(frame)
    if request is None:
        return len(heard), Desync(text("something arrived that was not asked for")) if frame else None
    if (misfit := _misfit(frame, request)) is not None:
        return len(heard), Desync(misfit)
    size = REFUSAL_BYTES if frame[1:2] == _refusal(request) else _answer_bytes(request)
    if len(frame) < size:
        return noise, None
    if crc16(frame[: size - 2]) != int.from_bytes(frame[size - 2 : size], "little"):
        return len(heard), Desync(text("an answer has a wrong checksum"))
    return noise + size, hear_pdu(frame[1 : size - 2], request)


def _misfit(frame: bytes, request: ReadRequest) -> Text | None:
    """Return why a frame that begins like this is not the answer, as far as it is known yet."""
    if frame and frame[0] != request.unit_id:
        return text("unit {found} answered for another", found=frame[0])
    if len(frame) < 3 or frame[1:2] == _refusal(request):
        return None
    if frame[1] != request.function_code:
        return text("function code {found} was answered for another", found=frame[1])
    if frame[2] != request.payload_bytes:
        return text("an answer counts {found} bytes of values", found=frame[2])
    return None


def _refusal(request: ReadRequest) -> bytes:
    return bytes((request.function_code | EXCEPTION,))


def _answer_bytes(request: ReadRequest) -> int:
    return 2 + request.payload_bytes + _ENVELOPE_BYTES
