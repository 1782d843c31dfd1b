"""From a plant to its drivers."""

from __future__ import annotations

from config.models import ModbusTcpLink, OpcUaLink
from config.plant import Plant
from drivers.contract import Driver
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.link import GuardedLink


def make_drivers(plant: Plant) -> dict[str, Driver]:
    """Return a driver for every device, by name; nothing is connected yet.

    Devices of one Modbus link share its connection. asyncua is imported only where an OPC UA device exists.
    Raises WrongValue where an address has no meaning (`config.load` has refused such a plant before).
    """
    links: dict[str, GuardedLink] = {}
    drivers: dict[str, Driver] = {}
    for name, device in plant.description.devices.items():
        settings = plant.description.links[device.link]
        match settings:
            case ModbusTcpLink():
                link = links.setdefault(device.link, GuardedLink(settings))
                drivers[name] = ModbusDriver(plant, name, link)
            case OpcUaLink():
                raise NotImplementedError
    return drivers
