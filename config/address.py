"""Addresses of points: which coil or register of a Modbus device, which node of an OPC UA server.

Modbus, in either spelling:

    hr:100  ir:0x2600  co:3  di:3  hr:100.3    table, number, bit; from the device's `address_base` on
    40001   400001     40001.3                 first digit: 0 co, 1 di, 3 ir, 4 hr; the rest from 1 on

OPC UA (Part 6, 5.3.1.10): `ns=2;s=Furnace.T1`, `nsu=<uri>;i=2253`, `i=2253`; kinds i, s, g (GUID),
b (base64).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import unquote

from config.faults import WrongValue
from config.text import Text, text

Table = Literal["co", "di", "hr", "ir"]
NodeIdKind = Literal["i", "s", "g", "b"]

TABLE_SIZE: Final = 65536
"""Coils or registers in one Modbus table (Modbus Application Protocol 1.1b3, 4.3)."""

_FUNCTION_CODES: Final[dict[Table, int]] = {"co": 1, "di": 2, "hr": 3, "ir": 4}
_TABLE_OF_DIGIT: Final[dict[str, Table]] = {"0": "co", "1": "di", "3": "ir", "4": "hr"}
_NAMED: Final = re.compile(r"(co|di|hr|ir):(0x[0-9a-f]{1,8}|[0-9]{1,9})(?:\.([0-9]{1,4}))?", re.ASCII)
_NUMBERED: Final = re.compile(r"([0-9])([0-9]{4,5})(?:\.([0-9]{1,4}))?", re.ASCII)
_BITS: Final = frozenset(str(bit) for bit in range(16))
_SHORT_NUMBER: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_NODE_ID: Final = re.compile(
    r"(?:ns=(?P<index>[0-9]{1,9});|nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<identifier>.+)",
    re.ASCII | re.DOTALL,
)
_DIGITS: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """One coil, register or bit of one. `offset` counts from 0, as on the wire; `bit` 0 is the lowest."""

    table: Table
    offset: int
    bit: int | None = None

    @property
    def function_code(self) -> int:
        """The reading function code of the table: 1 to 4."""
        return _FUNCTION_CODES[self.table]


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """One OPC UA node. `namespace` is an index (int) or a URI (str) that the session resolves."""

    namespace: int | str
    kind: NodeIdKind
    identifier: str


def parse_modbus(address: str, base: int) -> ModbusAddress:
    """Return what `address` means; `base` is the device's `address_base` and moves only the `xx:` spelling.

    Full-width characters count as their plain twins. Raises WrongValue.
    """
    spelling = unicodedata.normalize("NFKC", address).strip().lower()
    if named := _NAMED.fullmatch(spelling):
        return _named(address, named, base)
    if numbered := _NUMBERED.fullmatch(spelling):
        return _numbered(address, numbered)
    if _SHORT_NUMBER.fullmatch(spelling):
        raise WrongValue(
            text(
                'address "{found}" does not say which table; write hr:{found}, or, if a spreadsheet took the '
                "leading zeros of a coil, co:{found}",
                found=spelling,
            )
        )
    raise WrongValue(
        text(
            '"{found}" is not a Modbus address; write for example hr:100, co:3, hr:100.3 or 40101',
            found=address,
        )
    )


def parse_span(spelling: str, base: int) -> tuple[int, int, int]:
    """Return function code, first address and the one behind the last of `hr:100..199`, or of one address.

    Raises WrongValue.
    """
    first, dots, last = spelling.partition("..")
    begin = parse_modbus(first, base)
    table = first.rpartition(":")[0]
    end = parse_modbus(f"{table}:{last.strip()}" if table else last, base) if dots else begin
    if begin.bit is not None or end.bit is not None or end.table != begin.table or end.offset < begin.offset:
        raise WrongValue(
            text('"{found}" is no range of addresses; write for example hr:100..199', found=spelling)
        )
    return begin.function_code, begin.offset, end.offset + 1


def parse_node_id(address: str) -> NodeAddress:
    """Return the node that `address` names. Raises WrongValue."""
    match = _NODE_ID.fullmatch(address.strip())
    if match is None:
        raise WrongValue(
            text(
                '"{found}" is not a NodeId; write for example ns=2;s=Furnace.T1 or nsu=urn:plant:furnace;i=7',
                found=address,
            )
        )
    kind, identifier = cast(NodeIdKind, match["kind"]), match["identifier"]
    if fault := _identifier_fault(kind, identifier):
        raise WrongValue(fault)
    index = int(match["index"] or 0)
    if index > 0xFFFF:
        raise WrongValue(text("namespace index {found} is outside 0..65535", found=index))
    return NodeAddress(unquote(match["uri"]) if match["uri"] else index, kind, identifier)


def _named(address: str, match: re.Match[str], base: int) -> ModbusAddress:
    number = int(match[2], 0) if match[2].startswith("0x") else int(match[2])
    if not base <= number < base + TABLE_SIZE:
        raise WrongValue(
            text(
                'the number of address "{found}" is outside {low}..{high}',
                found=address,
                low=base,
                high=base + TABLE_SIZE - 1,
            )
        )
    return _with_bit(address, cast(Table, match[1]), number - base, match[3])


def _numbered(address: str, match: re.Match[str]) -> ModbusAddress:
    table, number = _TABLE_OF_DIGIT.get(match[1]), int(match[2])
    if table is None:
        raise WrongValue(
            text(
                'address "{found}" begins with {digit}; the first digit is 0 (coil), 1 (discrete input), '
                "3 (input register) or 4 (holding register)",
                found=address,
                digit=match[1],
            )
        )
    if not 1 <= number <= TABLE_SIZE:
        raise WrongValue(
            text(
                'the number of address "{found}" is outside {low}..{high}',
                found=address,
                low=1,
                high=TABLE_SIZE,
            )
        )
    return _with_bit(address, table, number - 1, match[3])


def _with_bit(address: str, table: Table, offset: int, bit: str | None) -> ModbusAddress:
    if bit is None:
        return ModbusAddress(table, offset)
    if table in ("co", "di"):
        raise WrongValue(
            text(
                'address "{found}" names a bit of a coil or input; leave out ".{bit}"', found=address, bit=bit
            )
        )
    if bit not in _BITS:
        raise WrongValue(
            text('bit ".{bit}" of address "{found}" is not one of .0 to .15', found=address, bit=bit)
        )
    return ModbusAddress(table, offset, int(bit))


def _identifier_fault(kind: NodeIdKind, identifier: str) -> Text | None:
    if kind == "i" and not (_DIGITS.fullmatch(identifier) and int(identifier) < 2**32):
        return text('NodeId "i={found}" is not a number below 4294967296', found=identifier)
    if kind == "g" and not _GUID.fullmatch(identifier):
        return text(
            'NodeId "g={found}" is not a GUID; write for example g=09087e75-8e5e-499b-954f-f2a9603db28a',
            found=identifier,
        )
    if kind == "b" and not _BASE64.fullmatch(identifier):
        return text(
            'NodeId "b={found}" is not base64; write for example b=M/RbKBsRVkePCePcx24oRA==', found=identifier
        )
    return None
