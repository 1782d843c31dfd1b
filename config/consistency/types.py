"""What is said of types: a mask of whole numbers, a length of texts, and of texts nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from config.draft import Draft
from config.faults import Fault
from config.points.read import Row
from config.tags import ValueType
from config.text import text
from config.units import show_duration

_ONLY_MODBUS: Final = ("mask", "length", "toggle_within")
_ONLY_NUMBERS: Final = (
    "scale", "offset", "raw_low", "raw_high", "range_low", "range_high", "sentinels", "enum", "median",
    "ll", "l", "h", "hh", "toggle_within",
)  # fmt: skip
_FEWEST_SCANS: Final = 2
"""Within the time in which a value must change: fewer cannot see it."""


def type_faults(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    """Yield the faults of what is said of the tags' types."""
    for row in rows:
        link_type = draft.link_type_of(row.tag.device)
        if link_type is None or not row.sound("device", "type"):
            continue
        if link_type == "opcua":
            yield from _foreign(row)
        else:
            yield from _mask_faults(row)
            yield from _length_faults(row)
        if row.tag.type.is_text:
            yield from _asked_of_a_text(row)
        yield from _toggle_faults(draft, row)
        yield from _codes_that_never_occur(row)


def _foreign(row: Row) -> Iterator[Fault]:
    for field in _ONLY_MODBUS:
        if row.sound(field) and getattr(row.tag, field) is not None:
            words = text(
                '"{key}" is for Modbus, but device "{device}" is on an OPC UA link; take it away',
                key=field,
                device=row.tag.device,
            )
            yield Fault(row.place(field), words)


def _mask_faults(row: Row) -> Iterator[Fault]:
    mask, found = row.tag.mask, row.tag.type
    if mask is None or not row.sound("mask"):
        return
    if found not in (ValueType.UINT16, ValueType.UINT32):
        yield Fault(row.place("mask"), text("a mask goes with uint16 or uint32, not with {type}", type=found))
    elif mask >= 2**found.bits:
        words = text(
            "mask {mask} has bits that {type} has not; correct the one or the other",
            mask=f"0x{mask:X}",
            type=found,
        )
        yield Fault(row.place("mask"), words)


def _length_faults(row: Row) -> Iterator[Fault]:
    if not row.sound("length"):
        return
    if row.tag.type.is_text and row.tag.length is None:
        words = text(
            'a text needs its length in registers; fill the column "{column}"', column=row.headers["length"]
        )
        yield Fault(row.place("type"), words)
    if not row.tag.type.is_text and row.tag.length is not None:
        yield Fault(
            row.place("length"),
            text("a length is for ascii and gbk; {type} has its own", type=row.tag.type),
        )


def _asked_of_a_text(row: Row) -> Iterator[Fault]:
    for field in _ONLY_NUMBERS:
        if row.sound(field) and field in row.tag.model_fields_set:
            yield Fault(row.place(field), text("a text has no {field}; take it away", field=field))


def _toggle_faults(draft: Draft, row: Row) -> Iterator[Fault]:
    within, scan_class = row.tag.toggle_within, draft.scan_classes.get(row.tag.scan_class)
    if within is None or scan_class is None or not row.sound("toggle_within", "scan_class"):
        return
    if within < _FEWEST_SCANS * scan_class.period:
        words = text(
            "toggle_within {found} cannot be seen with a scan every {period}; write at least {least}",
            found=show_duration(within),
            period=show_duration(scan_class.period),
            least=show_duration(_FEWEST_SCANS * scan_class.period),
        )
        yield Fault(row.place("toggle_within"), words)


def _codes_that_never_occur(row: Row) -> Iterator[Fault]:
    low, high = row.tag.type.bounds if row.tag.mask is None else row.tag.raw_bounds
    for field in ("sentinels", "enum"):
        for code in getattr(row.tag, field):
            if not (row.tag.type.holds(code) and low <= code <= high):
                words = text(
                    "{code} never occurs in type {type}; look up the raw value",
                    code=f"{code:g}",
                    type=row.tag.type,
                )
                yield Fault(row.place(field), words)
