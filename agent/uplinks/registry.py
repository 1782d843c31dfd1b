"""From the plant description to forwarders, one for each uplink."""

from __future__ import annotations

from agent.platforms.fengsui1 import SCHEMA, Fengsui1
from agent.uplinks.contract import Message, Uplink
from agent.uplinks.drop import DropUplink
from agent.uplinks.drop_folder import DropFolder
from agent.uplinks.forward import Forwarder, MakeUplink, Notify
from agent.uplinks.mqtt import PahoUplink
from agent.uplinks.post import PostUplink
from agent.uplinks.session import Gateway
from agent.uplinks.terms import terms_of
from buffer.log import Log
from config.models import Gateway as Who
from config.plant import Plant
from config.uplinks import AnyKindOfUplink, FileUplink, HttpUplink, MqttUplink


def make_forwarders(plant: Plant, log: Log, gateway: Gateway, notify: Notify) -> dict[str, Forwarder]:
    """Return a forwarder for every uplink of the plant, by name. Nothing is connected yet."""
    who = plant.description.gateway
    return {
        name: Forwarder(
            name,
            _transport(name, settings, who, log.recovery.start),
            Fengsui1(enterprise=who.enterprise, gateway=who.name, uplink=name, volatile=gateway.volatile),
            log,
            gateway,
            notify,
            terms_of(settings, f"{who.enterprise}/{who.name}/{name}"),
        )
        for name, settings in plant.description.uplinks.items()
    }


def _transport(name: str, settings: AnyKindOfUplink, who: Who, start: int) -> MakeUplink:
    """Return what makes a connection; `start`: how often the agent has started."""
    if isinstance(settings, FileUplink):
        folder = DropFolder(settings, f"{who.enterprise}.{who.name}.{name}", start)
        return lambda _will: DropUplink(folder, settings.every / 1e9)
    if isinstance(settings, HttpUplink):
        return lambda _will: PostUplink(settings)
    return _broker(name, settings, who)


def _broker(name: str, settings: MqttUplink, who: Who) -> MakeUplink:
    def make_uplink(will: Message) -> Uplink:
        topic = f"{SCHEMA}/{who.enterprise}/{who.name}"
        client_id = f"fengsui-{who.enterprise}-{who.name}-{name}"
        return PahoUplink(settings, topic=topic, client_id=client_id, will=will)

    return make_uplink
