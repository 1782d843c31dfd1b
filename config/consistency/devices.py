"""Links and devices: every device on a known link, every one read, none described twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.draft import Draft
from config.faults import Fault
from config.links import UNITS_OF_A_BUS, ModbusBus
from config.opcua import OpcUaLink
from config.points.read import Row
from config.text import text
from config.wording import closest, unknown

_NOT_FOR_MODBUS = frozenset(("link", "title", "reading"))


def device_faults(draft: Draft, rows: Sequence[Row], *, all_read: bool) -> Iterator[Fault]:
    """Yield the faults of links and devices."""
    yield from _unknown_links(draft)
    yield from _unused_links(draft)
    yield from _buses_with_two_masters(draft)
    yield from _foreign_keys(draft)
    yield from _beyond_a_bus(draft)
    yield from _twins(draft)
    if all_read:
        yield from _devices_without_tags(draft, rows)


def _unknown_links(draft: Draft) -> Iterator[Fault]:
    links = draft.names("links")
    for device in draft.names("devices"):
        link = draft.link_of(device)
        if link is not None and link not in links:
            yield Fault(draft.document.place("devices", device, "link"), unknown(text("link"), link, links))


def _unused_links(draft: Draft) -> Iterator[Fault]:
    links = draft.names("links")
    wanted = {draft.link_of(device) for device in draft.names("devices")}
    meant = {closest(link, links) for link in wanted if link is not None}
    for link in links:
        if link not in meant:
            words = text('no device is on link "{link}"; take it away or put a device on it', link=link)
            yield Fault(draft.document.key_place("links", link), words)


def _buses_with_two_masters(draft: Draft) -> Iterator[Fault]:
    """Two links to one bus would ask at the same time: answers would meet, or one is never let in."""
    first: dict[str, str] = {}
    for name, link in draft.links.items():
        if not isinstance(link, ModbusBus):
            continue
        twin = first.setdefault(link.endpoint, name)
        if twin != name:
            words = text(
                'the bus at {endpoint} is link "{twin}" already; put the devices of "{link}" on that link',
                endpoint=link.endpoint,
                twin=twin,
                link=name,
            )
            yield Fault(draft.document.place("links", name, "port"), words)


def _foreign_keys(draft: Draft) -> Iterator[Fault]:
    for name in draft.devices:
        if draft.link_type_of(name) != "opcua":
            continue
        for key in draft.document.section("devices", name):
            if key not in _NOT_FOR_MODBUS:
                words = text(
                    '"{key}" is for Modbus, but device "{device}" is on an OPC UA link; take it away',
                    key=key,
                    device=name,
                )
                yield Fault(draft.document.key_place("devices", name, key), words)


def _beyond_a_bus(draft: Draft) -> Iterator[Fault]:
    """Unit 0 of a bus are all at once, and nobody answers; 248 and above are reserved."""
    for name, device in draft.devices.items():
        if isinstance(draft.links.get(device.link), ModbusBus) and device.unit_id not in UNITS_OF_A_BUS:
            words = text(
                "{key} {unit_id} is outside 1..247, the units of a bus",
                key=f"devices.{name}.unit_id",
                unit_id=device.unit_id,
            )
            yield Fault(draft.document.place("devices", name, "unit_id"), words)


def _twins(draft: Draft) -> Iterator[Fault]:
    """Two devices with one unit id at one Modbus endpoint would be one device read twice."""
    first: dict[tuple[str, int], str] = {}
    for name, device in draft.devices.items():
        link = draft.links.get(device.link)
        if link is None or isinstance(link, OpcUaLink) or not _has_sound_endpoint(draft, name):
            continue
        twin = first.setdefault((link.endpoint, device.unit_id), name)
        if twin != name:
            words = text(
                'unit id {unit_id} at {endpoint} is device "{twin}" already; give "{device}" its own',
                device=name,
                unit_id=device.unit_id,
                twin=twin,
                endpoint=link.endpoint,
            )
            yield Fault(draft.document.place("devices", name, "unit_id"), words)


def _has_sound_endpoint(draft: Draft, device: str) -> bool:
    link = draft.devices[device].link
    return draft.is_sound("devices", device, "unit_id") and draft.is_sound("links", link, "port")


def _devices_without_tags(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    devices = draft.names("devices")
    meant = {closest(name, devices) for name in {row.tag.device for row in rows}}
    for device in devices:
        if device not in meant:
            words = text(
                'no point table has a tag of device "{device}"; add some or take it away', device=device
            )
            yield Fault(draft.document.key_place("devices", device), words)
