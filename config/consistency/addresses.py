"""Addresses: each of its device's protocol, inside its table, holding what the tag's type says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from config.address import TABLE_SIZE, ModbusAddress, parse_modbus, parse_node_id
from config.draft import Draft
from config.faults import Fault, WrongValue
from config.links import Device
from config.points.read import Row
from config.tags import ValueType
from config.text import Text, text

_MODBUS_LOOK: Final = re.compile(r"(co|di|hr|ir):|[0-9.]+$", re.IGNORECASE)
_NODE_ID_LOOK: Final = re.compile(r"(ns|nsu|i|s|g|b)=")
BIT_ONE_IN_NUMBERS: Final = re.compile(r"[0-9]{5,6}\.1", re.ASCII)
"""Addresses that a spreadsheet makes of bit 10, too."""


def address_faults(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    """Yield the faults of the tags' addresses."""
    bits_seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        link_type = draft.link_type_of(row.tag.device)
        device = draft.devices.get(row.tag.device)
        if link_type is None or not row.sound("device", "address"):
            continue
        try:
            if link_type == "opcua":
                _require_node_id(row)
            elif device is not None and draft.is_sound("devices", row.tag.device, "address_base"):
                address = _modbus_address(row, device)
                yield from _register_faults(row, address, device)
                yield from _cut_bit(row, address, device.address_base, bits_seen)
        except WrongValue as error:
            yield Fault(row.place("address"), error.words)


def _require_node_id(row: Row) -> None:
    if _MODBUS_LOOK.match(row.tag.address):
        raise WrongValue(
            text(
                '"{found}" looks like Modbus, but device "{device}" is on an OPC UA link; write a NodeId',
                found=row.tag.address,
                device=row.tag.device,
            )
        )
    parse_node_id(row.tag.address)


def _modbus_address(row: Row, device: Device) -> ModbusAddress:
    if _NODE_ID_LOOK.match(row.tag.address):
        raise WrongValue(
            text(
                '"{found}" looks like OPC UA, but device "{device}" is on a Modbus link; '
                "write for example hr:100",
                found=row.tag.address,
                device=row.tag.device,
            )
        )
    return parse_modbus(row.tag.address, device.address_base)


def _register_faults(row: Row, address: ModbusAddress, device: Device) -> Iterator[Fault]:
    if not row.sound("type"):
        return
    if words := _type_fault(row, address):
        yield Fault(row.place("type"), words)
    elif address.offset + row.tag.words > TABLE_SIZE:
        words = text(
            'type {type} at "{found}" reaches beyond the last register; correct the one or the other',
            type=row.tag.type,
            found=row.tag.address,
        )
        yield Fault(row.place("address"), words)
    if row.tag.words > device.max_words:
        words = text(
            "type {type} takes {words} registers, but max_words of the device is {most}; raise it",
            type=row.tag.type,
            words=row.tag.words,
            most=device.max_words,
        )
        yield Fault(row.place("type"), words)


def _type_fault(row: Row, address: ModbusAddress) -> Text | None:
    found, is_bool = row.tag.address, row.tag.type is ValueType.BOOL
    if address.table in ("co", "di") and not is_bool:
        return text(
            '"{found}" is a single bit, so its type is bool, not {type}', found=found, type=row.tag.type
        )
    if address.bit is not None and not is_bool:
        return text(
            '"{found}" is one bit of a register, so its type is bool, not {type} '
            '(or a spreadsheet added ".0")',
            found=found,
            type=row.tag.type,
        )
    if address.table in ("hr", "ir") and address.bit is None and is_bool:
        return text('a bool in a register needs its bit: for the lowest write "{found}.0"', found=found)
    return None


def _cut_bit(
    row: Row, address: ModbusAddress, base: int, seen: dict[tuple[str, str], Row]
) -> Iterator[Fault]:
    """Bit 1 twice in the numeric notation is bit 10, which a spreadsheet took for a decimal fraction."""
    if not BIT_ONE_IN_NUMBERS.fullmatch(row.tag.address):
        return
    twin = seen.setdefault((row.tag.device, row.tag.address), row)
    if twin is not row:
        words = text(
            'bit "{found}" stands already in line {line}; a spreadsheet makes it of {meant}, '
            "which is better written {remedy}",
            found=row.tag.address,
            line=twin.place("address").line,
            meant=f"{row.tag.address}0",
            remedy=f"{address.table}:{address.offset + base}.10",
        )
        yield Fault(row.place("address"), words)
