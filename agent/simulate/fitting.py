"""Whether a fault can happen in a plant at all, and to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from agent.simulate.fault import ON_VALUES, Fault, Kind
from config.links import Link, ModbusRtuLink, ModbusRtuTcpLink
from config.opcua import OpcUaLink
from config.plant import Plant
from config.tags import Tag
from config.text import Text, text
from config.wording import unknown

_ONLY_MODBUS: Final = frozenset((Kind.LATE, Kind.DOUBLED, Kind.WRONG_UNIT))


def unfit(fault: Fault, plant: Plant) -> Iterator[Text]:
    """Yield why a fault cannot happen in the plant as it is said."""
    described = plant.description
    scopes: tuple[tuple[Text, str | None, Iterable[str]], ...] = (
        (text("tag"), fault.tag, plant.number_of),
        (text("device"), fault.device, described.devices),
        (text("link"), fault.link, described.links),
    )
    strangers = [unknown(noun, name, known) for noun, name, known in scopes if name and name not in known]
    yield from strangers
    if not strangers and not any(suffers(fault, tag, plant) for tag in plant.tags):
        yield text("{fault} cannot happen there: {why}", fault=fault.kind, why=_why(fault, plant))


def suffers(fault: Fault, tag: Tag, plant: Plant) -> bool:
    """Tell whether a fault can be noticed at a tag."""
    link = plant.description.devices[tag.device].link
    if not _is_meant(fault, tag, plant):
        return False
    if fault.kind is Kind.NAN:
        return tag.type.value.startswith("float")
    return (
        fault.kind in ON_VALUES
        or fault.kind is Kind.EXCEPTION
        or _on_answers(fault, plant.description.links[link], _alone(plant, link))
    )


def _is_meant(fault: Fault, tag: Tag, plant: Plant) -> bool:
    link = plant.description.devices[tag.device].link
    scopes = ((fault.tag, tag.tag), (fault.device, tag.device), (fault.link, link))
    return all(scope in (None, name) for scope, name in scopes)


def _on_answers(fault: Fault, link: Link, alone: bool) -> bool:
    if fault.kind is Kind.CRC:
        return isinstance(link, ModbusRtuLink | ModbusRtuTcpLink)
    if not isinstance(link, OpcUaLink):
        return True
    return fault.kind not in _ONLY_MODBUS and fault.tag is None and (fault.device is None or alone)


def _alone(plant: Plant, link: str) -> bool:
    return sum(device.link == link for device in plant.description.devices.values()) == 1


def _why(fault: Fault, plant: Plant) -> Text:
    if not any(_is_meant(fault, tag, plant) for tag in plant.tags):
        return text("no tag is read there")
    if fault.kind is Kind.NAN:
        return text("only floats can be no number")
    if fault.kind is Kind.CRC:
        return text("only serial buses have checksums")
    if fault.kind in _ONLY_MODBUS:
        return text("only Modbus answers can be so")
    return text("an OPC UA server answers for all its devices together; name the link")
