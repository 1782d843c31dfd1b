"""From the plant description to forwarders, one for each uplink."""

from __future__ import annotations

from agent.platforms.fengsui1 import SCHEMA, Fengsui1
from agent.uplinks.contract import Message, Uplink
from agent.uplinks.forward import Forwarder, Notify
from agent.uplinks.mqtt import PahoUplink
from agent.uplinks.session import Gateway
from buffer.log import Log
from config.plant import Plant
from config.uplinks import MqttUplink


def make_forwarders(plant: Plant, log: Log, gateway: Gateway, notify: Notify) -> dict[str, Forwarder]:
    """Return a forwarder for every uplink of the plant, by name. Nothing is connected yet."""
    return {
        name: _make_forwarder(name, settings, plant, log, gateway, notify)
        for name, settings in plant.description.uplinks.items()
    }


def _make_forwarder(
    name: str, settings: MqttUplink, plant: Plant, log: Log, gateway: Gateway, notify: Notify
) -> Forwarder:
    who = plant.description.gateway
    topic = f"{SCHEMA}/{who.enterprise}/{who.name}"
    client_id = f"fengsui-{who.enterprise}-{who.name}-{name}"

    def make_uplink(will: Message) -> Uplink:
        return PahoUplink(settings, topic=topic, client_id=client_id, will=will)

    codec = Fengsui1(enterprise=who.enterprise, gateway=who.name, uplink=name, volatile=gateway.volatile)
    return Forwarder(name, make_uplink, codec, log, gateway, notify)
