"""As much of MQTT 5 as a subscriber of the bench needs: connect, subscribe to everything, acknowledge.

A test tool: it trusts its broker on loopback and understands no more than what it asked for. It exists
because the sink may not disturb what it measures. Section numbers are those of the OASIS standard MQTT 5.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PUBLISH: Final = 3
CONNACK: Final = 2
SUBACK: Final = 9

_LONGEST_LENGTH_BYTES: Final = 4
_SUCCESS_BELOW: Final = 0x80
_KEEP_ALIVE_S: Final = 0xFFFF
"""Longer than any run, so that nothing need be sent; iotcore refuses 0, which means for ever."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One message; `acknowledgement` is the PUBACK to send, empty for QoS 0."""

    topic: str
    payload: bytes
    acknowledgement: bytes


def connect(client_id: str) -> bytes:
    """Return a CONNECT (3.1) that resumes the session of `client_id` and keeps it afterwards."""
    properties = b"\x11" + struct.pack(">I", 0xFFFFFFFF) + b"\x21" + struct.pack(">H", 0xFFFF)
    variable = _text("MQTT") + b"\x05" + b"\x00" + struct.pack(">H", _KEEP_ALIVE_S)
    return _packet(0x10, variable + _length(len(properties)) + properties + _text(client_id))


def subscribe(topics: str) -> bytes:
    """Return a SUBSCRIBE (3.8) to one filter at QoS 1."""
    return _packet(0x82, struct.pack(">H", 1) + b"\x00" + _text(topics) + b"\x01")


def accepted(kind: int, body: bytes) -> bool:
    """Tell whether a CONNACK (3.2) or SUBACK (3.9) says yes."""
    return body[1 if kind == CONNACK else -1] < _SUCCESS_BELOW


def parse_publish(head: int, body: bytes) -> Publish:
    """Read one PUBLISH (3.3); `head` is its first byte."""
    topic_end = 2 + int.from_bytes(body[:2], "big")
    identified = bool(head & 0x06)
    start = topic_end + 2 if identified else topic_end
    size, start = _read_length(body, start)
    return Publish(
        topic=body[2:topic_end].decode(),
        payload=body[start + size :],
        acknowledgement=b"\x40\x02" + body[topic_end : topic_end + 2] if identified else b"",
    )


class Packets:
    """Cuts a byte stream into packets; keeps what has not arrived whole."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (first byte, body) of every packet that is whole now; exhaust it before feeding again."""
        data = self._rest + data
        start = 0
        while (end := _end_of_packet(data, start)) is not None:
            _, body = _read_length(data, start + 1)
            yield data[start], data[body:end]
            start = end
        self._rest = data[start:]


def _end_of_packet(data: bytes, start: int) -> int | None:
    head = data[start + 1 : start + 1 + _LONGEST_LENGTH_BYTES]
    if not any(byte < 0x80 for byte in head):
        return None
    size, body = _read_length(data, start + 1)
    return body + size if body + size <= len(data) else None


def _read_length(data: bytes, start: int) -> tuple[int, int]:
    """Return a variable byte integer (1.5.5) and where it ends."""
    size = shift = 0
    while True:
        byte = data[start]
        start += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            return size, start
        shift += 7


def _length(size: int) -> bytes:
    encoded = bytearray()
    while True:
        size, byte = divmod(size, 128)
        encoded.append(byte | 0x80 if size else byte)
        if not size:
            return bytes(encoded)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body
