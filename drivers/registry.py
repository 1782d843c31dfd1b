"""From a plant to its drivers."""

from __future__ import annotations

from collections.abc import Mapping

from config.links import ModbusRtuLink, ModbusRtuTcpLink, ModbusTcpLink
from config.opcua import OpcUaLink
from config.plant import Plant
from drivers.contract import Driver
from drivers.modbus.bus import Bus
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.guard import GuardedLink
from drivers.opcua.keys import KeyStore, NoKeys


def make_drivers(plant: Plant, keys: KeyStore | None = None) -> dict[str, Driver]:
    """Return a driver for every device, by name; nothing is connected yet.

    Devices of one link share its connection. asyncua is imported only where an OPC UA device exists.
    `keys`: where certificates are kept; without them a secured link cannot be connected.
    Raises WrongValue where an address has no meaning (`config.load` has refused such a plant before).
    """
    drivers: dict[str, Driver] = {}
    for link, settings in plant.description.links.items():
        devices = [name for name, device in plant.description.devices.items() if device.link == link]
        match settings:
            case ModbusTcpLink() | ModbusRtuLink() | ModbusRtuTcpLink():
                guarded = GuardedLink(settings)
                drivers |= {name: ModbusDriver(plant, name, guarded) for name in devices}
            case OpcUaLink():
                drivers |= _opcua_drivers(plant, settings, devices, keys or NoKeys())
    return drivers


def modbus_buses(plant: Plant, drivers: Mapping[str, Driver]) -> dict[str, Bus]:
    """Return the Modbus links with the drivers that share them, by name."""
    sharing: dict[str, list[ModbusDriver]] = {}
    for name, driver in drivers.items():
        if isinstance(driver, ModbusDriver):
            sharing.setdefault(plant.description.devices[name].link, []).append(driver)
    return {link: Bus(link=together[0].link, drivers=together) for link, together in sharing.items()}


def _opcua_drivers(
    plant: Plant, settings: OpcUaLink, devices: list[str], keys: KeyStore
) -> dict[str, Driver]:
    if not devices:
        return {}
    from drivers.opcua.driver import OpcUaDriver
    from drivers.opcua.server import OpcUaServer

    periods = [plant.scan_class_of(group).period for group in plant.groups if group.device in devices]
    server = OpcUaServer(settings, max(periods, default=0), keys)
    return {name: OpcUaDriver(plant, name, settings, server) for name in devices}
