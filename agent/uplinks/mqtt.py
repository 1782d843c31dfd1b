"""MQTT 5 over TCP or TLS: one connection to one broker, by paho.

paho runs inside the event loop (its interface for foreign loops), without a thread of its own: half the CPU
of its threaded mode, and its callbacks run where everything else does. Only connecting, which blocks, has a
thread. paho's own ways to resend, to queue and to reconnect stay unused: the log is the only queue, the
window is ours, and a client object serves one connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.uplinks.contract import (
    Message,
    UplinkBusy,
    UplinkCut,
    UplinkDown,
    UplinkRefused,
    UplinkTurnedAway,
)
from agent.uplinks.line import tune
from agent.uplinks.off_loop import off_loop
from agent.uplinks.reasons import QUOTA_EXCEEDED, ended_by_broker, reason_words
from agent.uplinks.tls import connect_words, tls_context
from agent.uplinks.window import Window
from config.secrets import SecretError, resolve
from config.text import text
from config.uplinks import MqttUplink

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

CONNECT_TIMEOUT_S: Final = 10.0
GOODBYE_S: Final = 1.0
HEARD_KEPT: Final = 100
LARGEST_HEARD_BYTES: Final = 128 * 1024
"""Of what brokers send, which is nothing but confirmations."""
ACK_PATIENCE_KEEPALIVES: Final = 1.5
_REFUSAL: Final = 0x80
_QOS: Final = 1
_NO_LIMIT: Final = 268_435_455
_HEADER_BYTES: Final = 10  # fixed header 5, topic length 2, packet id 2, no properties 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the broker allows on this connection (MQTT 5, 3.2.2.3)."""

    window: int
    packet_bytes: int
    retain: bool


class PahoUplink:
    """One connection to one MQTT 5 broker (`agent.uplinks.contract.Uplink`).

    Messages go to `<topic>/<kind>` with QoS 1. `will` is what the broker publishes when the connection
    breaks. Where there is an `ack_topic`, its messages are heard, and nothing else ever is.
    """

    def __init__(self, settings: MqttUplink, *, topic: str, client_id: str, will: Message) -> None:
        self._settings = settings
        self._topic = topic
        self._client_id = settings.client_id or client_id
        self._will = will
        self._keepalive_s = max(1, round(settings.keepalive / 1e9))
        self._client: Client | None = None
        self._limits = Limits(window=0, packet_bytes=0, retain=False)
        self._window = Window()
        self._accepted: asyncio.Future[Limits] | None = None
        self._subscribed: asyncio.Future[None] | None = None
        self._heard = asyncio.Queue[bytes](HEARD_KEPT)
        self._tick: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()
        self._end = UplinkDown(text("not connected"))

    @property
    def window(self) -> int:
        """See `Uplink`."""
        return self._limits.window

    async def connect(self) -> None:
        """See `Uplink`."""
        client = self._make_client()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await off_loop(lambda: self._open(client), abandoned=lambda: _drop(client))
                self._limits = await self._attach(client)
                if self._settings.ack_topic is not None:
                    await self._subscribe(client, self._settings.ack_topic)
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
            self._lose(UplinkDown(connect_words(error)))
            raise self._failure() from error
        except (UplinkDown, asyncio.CancelledError):
            self._lose(self._end)
            raise
        self._window.open(self._limits.window)

    async def send(self, message: Message) -> None:
        """See `Uplink`."""
        topic = f"{self._topic}/{message.kind}"
        self._check_size(topic, message)
        await self._window.enter()
        if self._client is None:
            self._window.leave()
            raise self._failure()
        retain = message.retain and self._limits.retain
        info = self._client.publish(topic, message.payload, qos=_QOS, retain=retain)
        await self._window.sent(info.mid)

    async def heard(self) -> bytes:
        """See `Uplink`."""
        return await self._heard.get()

    def hurry(self) -> None:
        """See `Uplink`."""

    async def closed(self) -> UplinkDown:
        """See `Uplink`."""
        await self._closed.wait()
        return self._failure()

    async def close(self) -> None:
        """See `Uplink`."""
        if self._client is not None:
            self._end = UplinkDown(text("closed"))
            self._client.disconnect()
            try:
                async with asyncio.timeout(GOODBYE_S):
                    await self._closed.wait()
            except TimeoutError:
                pass  # the broker takes nothing more; its last will tells the rest
        self._lose(self._end)

    def _make_client(self) -> Client:
        """Return a client that has not connected yet. Raises UplinkDown for unusable TLS files or secrets."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages = 0  # no limit: the window is ours
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self._settings.tls is not None:
            client.tls_set_context(tls_context(self._settings.tls))
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._password())
        client.will_set(f"{self._topic}/{self._will.kind}", self._will.payload, qos=_QOS, retain=True)
        client.on_socket_open = _tune
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _password(self) -> str | None:
        if self._settings.password is None:
            return None
        try:
            return resolve(self._settings.password).reveal()
        except SecretError as error:
            raise UplinkDown(error.words) from error

    def _open(self, client: Client) -> None:
        """Connect and send CONNECT, blocking."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = LARGEST_HEARD_BYTES
        client.connect(self._settings.host, self._settings.port, self._keepalive_s, properties=properties)

    def _attach(self, client: Client) -> asyncio.Future[Limits]:
        """Let the event loop serve the connected socket; the future holds the broker's answer to CONNECT."""
        loop = asyncio.get_running_loop()
        wire = client.socket()
        if wire is None:
            raise UplinkDown(text("the connection was lost"))
        self._client = client
        self._accepted = loop.create_future()

        def listen_for_room(*_: object) -> None:
            loop.add_writer(wire, client.loop_write)

        def forget_room(*_: object) -> None:
            loop.remove_writer(wire)

        def forget_bytes(*_: object) -> None:
            loop.remove_reader(wire)

        client.on_socket_register_write = listen_for_room
        client.on_socket_unregister_write = forget_room
        client.on_socket_close = forget_bytes
        loop.add_reader(wire, self._read, client, wire)
        if client.want_write():
            listen_for_room()
        self._on_tick()
        return self._accepted

    def _subscribe(self, client: Client, topic: str) -> asyncio.Future[None]:
        """Ask for the messages of a topic; the future holds the broker's answer."""
        self._subscribed = asyncio.get_running_loop().create_future()
        client.subscribe(topic, qos=_QOS)
        return self._subscribed

    def _read(self, client: Client, wire: SocketLike) -> None:
        client.loop_read()
        while isinstance(wire, ssl.SSLSocket) and client.socket() is not None and wire.pending():
            client.loop_read()  # bytes that TLS has taken from the socket wake nobody

    def _on_tick(self) -> None:
        if self._client is None:
            return
        self._client.loop_misc()
        if self._window.silent_s > ACK_PATIENCE_KEEPALIVES * self._keepalive_s:
            self._lose(UplinkDown(text("the broker answers nothing any more")))
            return
        loop = asyncio.get_running_loop()
        self._tick = loop.call_later(min(1.0, self._keepalive_s / 8), self._on_tick)

    def _on_connect(
        self, _client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, found: Properties | None
    ) -> None:
        if self._accepted is None or self._accepted.done():
            return
        if reason.is_failure:
            refusal = text("the broker refused us: {reason}", reason=reason_words(reason.value))
            self._accepted.set_exception(UplinkTurnedAway(refusal))
        elif getattr(found, "MaximumQoS", _QOS) < _QOS:
            useless = text("the broker cannot acknowledge messages (QoS 0 only)")
            self._accepted.set_exception(UplinkTurnedAway(useless))
        else:
            self._accepted.set_result(self._limits_of(found))

    def _limits_of(self, found: Properties | None) -> Limits:
        return Limits(
            window=min(self._settings.window, getattr(found, "ReceiveMaximum", self._settings.window)),
            packet_bytes=getattr(found, "MaximumPacketSize", _NO_LIMIT),
            retain=bool(getattr(found, "RetainAvailable", 1)),
        )

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _found: Properties | None
    ) -> None:
        if self._subscribed is None or self._subscribed.done():
            return
        if reasons[0].is_failure:
            words = text(
                "the broker refused the subscription: {reason}", reason=reason_words(reasons[0].value)
            )
            self._subscribed.set_exception(UplinkDown(words))
        else:
            self._subscribed.set_result(None)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        """Keep what is said now; what the broker had retained may be about a store that is gone."""
        if not message.retain and not self._heard.full():
            self._heard.put_nowait(bytes(message.payload))

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        if reason.value < _REFUSAL:
            self._window.answer(mid, None)
            return
        words = text("the broker refused the message: {reason}", reason=reason_words(reason.value))
        busy = reason.value == QUOTA_EXCEEDED
        self._window.answer(mid, UplinkBusy(words) if busy else UplinkRefused(words))

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _found: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._lose(ended_by_broker(reason.value))
        elif reason == "Keep alive timeout":
            self._lose(UplinkDown(text("the broker answers nothing any more")))
        elif reason == "Normal disconnection":
            self._lose(self._end)  # we have closed it
        else:
            self._lose(UplinkCut(text("the connection was lost")))

    def _check_size(self, topic: str, message: Message) -> None:
        size = _HEADER_BYTES + len(topic.encode()) + len(message.payload)
        if self._client is not None and size > self._limits.packet_bytes:
            raise UplinkRefused(
                text(
                    "the message has {size} bytes and the broker takes {most}",
                    size=size,
                    most=self._limits.packet_bytes,
                )
            )

    def _failure(self) -> UplinkDown:
        """Return how the connection ended, for one of those who wait for it."""
        return type(self._end)(self._end.words)

    def _lose(self, end: UplinkDown) -> None:
        """End the connection for good and tell everybody who waits for it."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._end = end
        if self._tick is not None:
            self._tick.cancel()
        if self._client is not None:
            _drop(self._client)
            self._client = None
        for answer in (self._accepted, self._subscribed):
            if answer is not None and not answer.done():
                answer.set_exception(self._failure())
        self._window.lose(self._failure)


def _drop(client: Client) -> None:
    """Let go of a client, closing its socket without a goodbye if it is still open."""
    client.on_socket_register_write = client.on_socket_unregister_write = client.on_socket_close = None
    client.on_connect = client.on_publish = client.on_disconnect = None
    client.on_subscribe = client.on_message = None
    wire = client.socket()
    if wire is None:
        return
    loop = asyncio.get_running_loop()
    loop.remove_reader(wire)
    loop.remove_writer(wire)
    wire.close()


def _tune(_client: Client, _data: Any, wire: SocketLike) -> None:
    if isinstance(wire, socket.socket):
        tune(wire)
