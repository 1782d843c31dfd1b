"""What a broker delivers, seen by a subscriber of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion


@dataclass
class Observer:
    """Messages under a topic, in the order of arrival: (rest of the topic, payload, retained)."""

    seen: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def payloads(self, kind: str) -> list[bytes]:
        return [payload for found, payload, _ in self.seen if found == kind]


@contextmanager
def observing(
    port: int, topic: str, *, username: str | None = None, password: str | None = None
) -> Iterator[Observer]:
    """Subscribe to everything under `topic` while inside."""
    observer, ready = Observer(), Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(username, password)

    def note(_client: Client, _data: object, message: MQTTMessage) -> None:
        observer.seen.append((message.topic.removeprefix(f"{topic}/"), message.payload, message.retain))

    client.on_message = note
    client.on_connect = lambda *_: client.subscribe(f"{topic}/#", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert ready.wait(5)
        yield observer
    finally:
        client.disconnect()
        client.loop_stop()
        client.on_connect = client.on_subscribe = client.on_message = None  # no cycle: paho tidies when freed
        if (wire := client.socket()) is not None:  # the thread may end before it has closed it
            wire.close()
