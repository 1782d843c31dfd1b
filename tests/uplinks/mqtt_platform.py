"""MQTT brokers as platforms for the contract suite."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from agent.uplinks.contract import Message
from agent.uplinks.mqtt import PahoUplink
from config.uplinks import MqttUplink, Tls
from tests.brokers import Broker
from tests.uplinks.contract_suite import PeerPlatform
from tests.uplinks.observer import Observer, observing

TOPIC = "fengsui/1/enterprise/gateway"


def settings(port: int, **more: object) -> MqttUplink:
    return MqttUplink.model_validate(
        {"type": "mqtt", "host": "127.0.0.1", "port": port, "keepalive": "1s", **more}
    )


def uplink_to(
    port: int, *, client_id: str = "gateway", will: bytes = b"gone", tls: Tls | None = None, **more: object
) -> PahoUplink:
    return PahoUplink(
        settings(port, tls=tls, **more),
        topic=TOPIC,
        client_id=client_id,
        will=Message(kind="status", payload=will, retain=True),
    )


@dataclass
class MqttPlatform(PeerPlatform):
    broker: Broker
    made: int = 0

    def uplink(self, *, will: bytes = b"gone", port: int | None = None) -> PahoUplink:
        self.made += 1
        return uplink_to(port or self.broker.port, client_id=f"gateway-{self.made}", will=will)

    def observing(self) -> AbstractContextManager[Observer]:
        return observing(self.broker.port, TOPIC)
