"""The wire of the receiver: subscribe, stay subscribed, hand over what comes. One thread, no queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.uplinks.reasons import reason_words
from agent.uplinks.tls import connect_words, tls_context
from config.text import Text, text
from config.uplinks import Tls

RETRY_S: Final = 0.2
TURN_S: Final = 0.1
CONNECT_TIMEOUT_S: Final = 5.0
KEEPALIVE_S: Final = 10
SESSION_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to listen. With a `client_id` the broker keeps what comes while we are away, for a day.

    `ack_topic`: where to say what we have persisted; empty where we do not.
    """

    host: str
    port: int
    topic: str
    ack_topic: str = ""
    client_id: str = ""
    username: str | None = None
    password: str | None = None
    tls: Tls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message as it came."""

    topic: str
    payload: bytes
    retained: bool


class Subscriber:
    """Listens until told to stop; connects again, at once and for ever, when the broker goes.

    `on_arrival` is called for every message and before it is acknowledged; `on_state` with None when
    subscribed, with the reason when not.
    """

    def __init__(
        self,
        source: Source,
        on_arrival: Callable[[Arrival], None],
        on_state: Callable[[Text | None], None],
    ) -> None:
        self._source = source
        self._on_arrival = on_arrival
        self._on_state = on_state
        self._client: Client | None = None

    def confirm(self, payload: bytes) -> None:
        """Publish on the ack topic; what cannot be said now is asked for again by being sent again."""
        if self._client is not None:
            self._client.publish(self._source.ack_topic, payload, qos=1)

    def run(self, stop: Callable[[], bool]) -> None:
        """Listen; `stop` is asked ten times a second. Raises UplinkDown for unusable TLS files."""
        while not stop():
            client = self._make_client()
            try:
                self._connect(client)
            except OSError as error:
                self._on_state(connect_words(error))
            else:
                self._client = client
                while not stop() and client.loop(TURN_S) is MQTTErrorCode.MQTT_ERR_SUCCESS:
                    pass
                client.disconnect()
            if not stop():
                time.sleep(RETRY_S)

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._source.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self._source.tls is not None:
            client.tls_set_context(tls_context(self._source.tls))
        if self._source.username is not None:
            client.username_pw_set(self._source.username, self._source.password)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _connect(self, client: Client) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        if self._source.client_id:
            properties.SessionExpiryInterval = SESSION_S
        client.connect(
            self._source.host,
            self._source.port,
            KEEPALIVE_S,
            clean_start=not self._source.client_id,
            properties=properties,
        )

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _found: Properties | None
    ) -> None:
        if reason.is_failure:
            self._on_state(text("the broker refused us: {reason}", reason=reason_words(reason.value)))
        else:
            client.subscribe(self._source.topic, qos=1)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _found: Properties | None
    ) -> None:
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is None:
            self._on_state(None)
        else:
            self._on_state(
                text("the broker refused the subscription: {reason}", reason=reason_words(refused.value))
            )

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.topic != self._source.ack_topic:
            self._on_arrival(
                Arrival(topic=message.topic, payload=bytes(message.payload), retained=message.retain)
            )
