"""Who lies where in a Modbus device: no value twice or across another, none where nothing may be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.address import ModbusAddress, parse_modbus, parse_span
from config.consistency.addresses import BIT_ONE_IN_NUMBERS
from config.draft import Draft
from config.faults import Fault, WrongValue
from config.links import Device
from config.points.read import Row
from config.text import text


@dataclass(frozen=True, slots=True)
class _Lying:
    """A tag and the words or bits that it occupies, `end` not included."""

    row: Row
    address: ModbusAddress
    end: int

    @property
    def identity(self) -> tuple[object, ...]:
        """What no two tags of a device have in common."""
        tag = self.row.tag
        reading = (tag.type, tag.word_order, tag.mask, tag.length, tag.scale, tag.offset, tag.scan_class)
        return (self.address, *reading)

    @property
    def is_whole(self) -> bool:
        """Whether it is a number that claims its registers for itself: no bit, no masked part, no text."""
        return self.address.bit is None and self.row.tag.mask is None and not self.row.tag.type.is_text


def register_faults(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    """Yield the faults of the places that tags take in their devices."""
    members: dict[str, list[_Lying]] = defaultdict(list)
    for row in rows:
        if (lying := _lying(draft, row)) is not None:
            members[row.tag.device].append(lying)
    for name, device in draft.devices.items():
        if draft.link_type_of(name) == "opcua":
            continue
        yield from _forbidden_faults(draft, name, device, members[name])
        yield from _twins(members[name])
        yield from _overlaps(members[name])


def _lying(draft: Draft, row: Row) -> _Lying | None:
    device = draft.devices.get(row.tag.device)
    if device is None or draft.link_type_of(row.tag.device) == "opcua":
        return None
    if not row.sound("device", "address", "type", "mask", "length", "word_order"):
        return None
    try:
        address = parse_modbus(row.tag.address, device.address_base)
    except WrongValue:
        return None  # told with the addresses
    words = 1 if address.bit is not None or address.table in ("co", "di") else row.tag.words
    return _Lying(row, address, address.offset + words)


def _forbidden_faults(draft: Draft, name: str, device: Device, members: list[_Lying]) -> Iterator[Fault]:
    for index, spelling in enumerate(device.forbidden):
        try:
            function_code, first, end = parse_span(spelling, device.address_base)
        except WrongValue as error:
            yield Fault(draft.document.place("devices", name, "forbidden", index), error.words)
            continue
        for lying in members:
            address = lying.address
            if address.function_code == function_code and address.offset < end and first < lying.end:
                words = text(
                    'address "{found}" lies in {span}, which is forbidden for device "{device}"; '
                    "correct the one or the other",
                    found=lying.row.tag.address,
                    span=spelling,
                    device=name,
                )
                yield Fault(lying.row.place("address"), words)


def _twins(members: list[_Lying]) -> Iterator[Fault]:
    first: dict[tuple[object, ...], _Lying] = {}
    for lying in members:
        twin = first.setdefault(lying.identity, lying)
        if _is_told_twice(lying, twin):
            words = text(
                'address "{found}" is read as "{twin}" already ({place}); '
                "give this tag its own address or take it away",
                found=lying.row.tag.address,
                twin=twin.row.tag.tag,
                place=twin.row.place("address"),
            )
            yield Fault(lying.row.place("address"), words)


def _is_told_twice(lying: _Lying, twin: _Lying) -> bool:
    """Tell whether two tags are one, and nothing else says so: not their name, not a cut bit."""
    cut = BIT_ONE_IN_NUMBERS.fullmatch(lying.row.tag.address)
    return twin is not lying and twin.row.tag.tag != lying.row.tag.tag and not cut


def _overlaps(members: list[_Lying]) -> Iterator[Fault]:
    """Two numbers of which one begins within the other: one of the two addresses is wrong."""
    whole = [lying for lying in members if lying.is_whole]
    whole.sort(key=lambda lying: (lying.address.table, lying.address.offset))
    widest: _Lying | None = None
    for lying in whole:
        if widest is None or widest.address.table != lying.address.table or lying.end > widest.end:
            before, widest = widest, lying
        else:
            before = widest
        if before is None or before.address.table != lying.address.table:
            continue
        if before.address.offset < lying.address.offset < before.end:
            words = text(
                'address "{found}" lies within "{twin}" ({type} at {address}, {place}); '
                "correct the address or the type",
                found=lying.row.tag.address,
                twin=before.row.tag.tag,
                type=before.row.tag.type,
                address=before.row.tag.address,
                place=before.row.place("address"),
            )
            yield Fault(lying.row.place("address"), words)
