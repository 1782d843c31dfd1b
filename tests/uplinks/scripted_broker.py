"""A broker that does what a test tells it to: MQTT 5, just enough, over TCP on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14
NO_PROPERTIES = b"\x00"


def receive_maximum(count: int) -> bytes:
    return b"\x21" + count.to_bytes(2, "big")


def maximum_qos(qos: int) -> bytes:
    return bytes((0x24, qos))


def retain_available(yes: bool) -> bytes:
    return bytes((0x25, yes))


def maximum_packet_size(count: int) -> bytes:
    return b"\x27" + count.to_bytes(4, "big")


@dataclass(kw_only=True)
class Published:
    topic: str
    payload: bytes
    retain: bool
    mid: int


@dataclass(kw_only=True)
class ScriptedBroker:
    """`connack`: reason code, None for silence. `properties`: of the CONNACK. `suback`: reason code.

    `answer` gives the reason code of a message's PUBACK, None for none; `acknowledge()` sends it later.
    """

    connack: int | None = 0
    properties: bytes = b""
    answer: Callable[[Published], int | None] = lambda _: 0
    received: list[Published] = field(default_factory=list)
    suback: int = 1
    subscriptions: list[str] = field(default_factory=list)
    connections: int = 0
    will: bytes = b""
    goodbyes: int = 0
    _server: asyncio.Server | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> ScriptedBroker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    def say(self, packet: bytes) -> None:
        """Send bytes on the newest connection."""
        self._writers[-1].write(packet)

    def acknowledge(self, mid: int, reason: int = 0) -> None:
        self.say(b"\x40" + bytes((4,)) + mid.to_bytes(2, "big") + bytes((reason, 0)))

    def tell(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Deliver a message with QoS 0 to the newest connection."""
        body = len(topic).to_bytes(2, "big") + topic.encode() + NO_PROPERTIES + payload
        self.say(bytes((0x30 | retain,)) + _length(len(body)) + body)

    def end(self, reason: int) -> None:
        """Send DISCONNECT with a reason and hang up."""
        self.say(bytes((0xE0, 1, reason)))
        self._writers[-1].close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                self._on_packet(*await _packet(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _on_packet(self, kind: int, flags: int, body: bytes) -> None:
        if kind == CONNECT:
            self.will = body
            if self.connack is not None:
                rest = bytes((0, self.connack, len(self.properties))) + self.properties
                self.say(bytes((0x20, len(rest))) + rest)
        elif kind == PUBLISH:
            message = _published(flags, body)
            self.received.append(message)
            reason = self.answer(message)
            if reason is not None:
                self.acknowledge(message.mid, reason)
        elif kind == SUBSCRIBE:
            size = int.from_bytes(body[3:5], "big")
            self.subscriptions.append(body[5 : 5 + size].decode())
            self.say(bytes((0x90, 4)) + body[:2] + bytes((0, self.suback)))
        elif kind == PINGREQ:
            self.say(b"\xd0\x00")
        elif kind == DISCONNECT:
            self.goodbyes += 1


def _length(size: int) -> bytes:
    octets = bytearray()
    while True:
        size, octet = divmod(size, 128)
        octets.append(octet | (128 if size else 0))
        if not size:
            return bytes(octets)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    (first,) = await reader.readexactly(1)
    length = shift = 0
    while True:
        (octet,) = await reader.readexactly(1)
        length |= (octet & 127) << shift
        shift += 7
        if octet < 128:
            return first >> 4, first & 15, await reader.readexactly(length)


def _published(flags: int, body: bytes) -> Published:
    split = 2 + int.from_bytes(body[:2], "big")
    assert body[split + 2 : split + 3] == NO_PROPERTIES
    return Published(
        topic=body[2:split].decode(),
        mid=int.from_bytes(body[split : split + 2], "big"),
        payload=body[split + 3 :],
        retain=bool(flags & 1),
    )
