"""A YAML file as plain data that remembers where each piece stands.

Only what YAML 1.2 means (core schema, 10.3.2): `no` and `on` are text, `010` is ten, `1:30` is text. Anchors,
tags, directives, merge keys and empty values are refused: a description says everything where it is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isinf
from pathlib import Path
from typing import Final

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from config.decode import UNREADABLE, decode
from config.faults import Fault, Loc, Place
from config.text import Text, text
from config.yaml_faults import crash_risks, lines_of, syntax_faults

_DEEPEST: Final = 30
_TRUTHS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,30}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,20}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value and its key stand, and how a scalar is spelled in the file; `text`: where that begins."""

    key: Place
    value: Place
    spelling: str = ""
    text: Place | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a YAML file, and the marks of all its values by their location."""

    path: Path
    data: dict[str, JsonValue] = field(default_factory=dict)
    marks: Mapping[Loc, Mark] = field(default_factory=dict)

    def resolve(self, loc: Loc) -> Loc:
        """Return `loc` without the parts that lead nowhere in the file (a union's tag, a missing key)."""
        found: Loc = ()
        for part in loc:
            if (*found, part) in self.marks:
                found = (*found, part)
        return found

    def place(self, *loc: str | int) -> Place:
        """Return where a value stands, or what encloses it."""
        return self._mark(loc).value

    def place_inside(self, *loc: str | int, at: int) -> Place:
        """Return where a character of a text stands; where lines were folded, that of its first line."""
        mark = self._mark(loc)
        begins = mark.text
        if begins is None:
            return mark.value
        before = mark.spelling[:at].split("\n")
        if len(before) == 1:
            return replace(begins, column=begins.column + at)
        return replace(begins, line=begins.line + len(before) - 1, column=begins.column + len(before[-1]))

    def key_place(self, *loc: str | int) -> Place:
        """Return where a key stands, or that of what encloses it."""
        return self._mark(loc).key

    def spelling(self, *loc: str | int) -> str:
        """Return a scalar as the file spells it."""
        return self._mark(loc).spelling

    def section(self, *loc: str | int) -> dict[str, JsonValue]:
        """Return the mapping at `loc`; empty where there is none."""
        found: JsonValue = self.data
        for part in loc:
            if isinstance(found, dict) and isinstance(part, str):
                found = found.get(part)
            elif isinstance(found, list) and isinstance(part, int):
                found = found[part]
            else:
                return {}
        return found if isinstance(found, dict) else {}

    def _mark(self, loc: Loc) -> Mark:
        start = Place(self.path)
        return self.marks.get(self.resolve(loc), Mark(start, start))


def read_yaml(path: Path, raw: bytes) -> tuple[Document, list[Fault]]:
    """Return the document and every fault of its YAML; with a fault of syntax the document is empty."""
    decoded = decode(raw)
    faults = _encoding_faults(path, decoded.text, decoded.encoding == "UTF-8")
    if risks := crash_risks(path, decoded.text):
        return Document(path), faults + risks
    try:
        node = _compose(decoded.text)
    except YAMLError as error:
        return Document(path), faults + syntax_faults(path, decoded.text, error)
    builder = _Builder(path, decoded.text)
    data = builder.root(node)
    return Document(path, data, builder.marks), faults + builder.faults


def _encoding_faults(path: Path, content: str, is_utf8: bool) -> list[Fault]:
    if not is_utf8:
        return [Fault(Place(path), text("this file is not in UTF-8; save it as UTF-8"))]
    return [
        Fault(
            Place(path, number, line.index(UNREADABLE) + 1),
            text("these bytes are not UTF-8; write them anew"),
        )
        for number, line in enumerate(lines_of(content), 1)
        if UNREADABLE in line
    ]


def _compose(content: str) -> Node | None:
    yaml = YAML(typ="base", pure=True)
    yaml.max_depth = _DEEPEST
    yaml.composer.warn_double_anchors = False
    node: Node | None = yaml.compose(content)
    return node


class _Builder:
    """Turns nodes into data, keeping the marks and collecting the faults."""

    def __init__(self, path: Path, content: str) -> None:
        self._path = path
        self._lines = lines_of(content)
        self.marks: dict[Loc, Mark] = {}
        self.faults: list[Fault] = []
        self._seen: set[int] = set()

    def root(self, node: Node | None) -> dict[str, JsonValue]:
        """Return the top mapping; empty, with a fault, where there is none."""
        data = self._value(node, (), Place(self._path)) if node is not None else None
        if isinstance(data, dict) and data:
            return data
        if not self.faults:
            self._fault(Place(self._path), text('this file holds no keys; it begins with "fengsui: 1"'))
        return {}

    def _value(self, node: Node, loc: Loc, key: Place) -> JsonValue:
        place = self._place(node.start_mark)
        if refusal := self._property_fault(node):
            self._fault(place, refusal)
        self.marks[loc] = mark = self._mark(node, key, place)
        if id(node) in self._seen:
            return None  # an alias, perhaps of what encloses it
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode):
            return self._sequence(node, loc)
        quoted = isinstance(node, ScalarNode) and node.style is not None
        return mark.spelling if quoted else self._plain(mark)

    def _mark(self, node: Node, key: Place, place: Place) -> Mark:
        if not isinstance(node, ScalarNode):
            return Mark(key, place)
        if node.style in ("|", ">"):
            line = (
                self._lines[node.start_mark.line + 1] if len(self._lines) > node.start_mark.line + 1 else ""
            )
            begins = replace(place, line=place.line + 1, column=1 + len(line) - len(line.lstrip()))
        else:
            begins = replace(place, column=place.column + (node.style is not None))
        return Mark(key, place, node.value, begins)

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        first_places: dict[str, Place] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node.start_mark)
            if refusal := self._key_fault(key_node, first_places):
                self._fault(place, refusal)
                continue
            first_places[key_node.value] = place
            value = self._value(value_node, (*loc, key_node.value), place)
            if value is not None:
                found[key_node.value] = value
        return found

    def _sequence(self, node: SequenceNode, loc: Loc) -> list[JsonValue]:
        found: list[JsonValue] = []
        for item in node.value:
            value = self._value(item, (*loc, len(found)), self._place(item.start_mark))
            if value is not None:
                found.append(value)
        return found

    def _plain(self, mark: Mark) -> JsonValue:
        """Return what an unquoted scalar means; None, with a fault, where it means nothing of use."""
        spelling = mark.spelling
        if spelling in _NULLS:
            self._fault(mark.key, text("there is no value here; write one or take the key away"))
            return None
        if _NOT_FINITE.fullmatch(spelling) or (_FLOAT.fullmatch(spelling) and isinf(float(spelling))):
            self._fault(mark.value, text("{found} is not a finite number; write a plain one", found=spelling))
            return None
        return _meaning(spelling)

    def _key_fault(self, node: Node, first_places: Mapping[str, Place]) -> Text | None:
        if not isinstance(node, ScalarNode):
            return text("a key is a single word; put quotes around it if braces are meant as text")
        if refusal := self._property_fault(node):
            return refusal
        if node.value == "<<" and node.style is None:
            return text("merge keys (<<) are not YAML 1.2; write the keys out")
        if node.value in first_places:
            return text(
                'key "{key}" stands already in line {line}, column {column}; keep one of the two',
                key=node.value,
                line=first_places[node.value].line,
                column=first_places[node.value].column,
            )
        return None

    def _property_fault(self, node: Node) -> Text | None:
        line = self._lines[node.start_mark.line] if node.start_mark.line < len(self._lines) else ""
        first = line[node.start_mark.column : node.start_mark.column + 1]
        if first == "&":
            return text(
                "anchors (&) and their aliases (*) are not taken; write the value out where it is meant"
            )
        if first == "!":
            return text("tags (!) are not taken; put quotes around the value if it is a text")
        return None

    def _place(self, mark: StringMark) -> Place:
        return Place(self._path, mark.line + 1, mark.column + 1)

    def _fault(self, place: Place, words: Text) -> None:
        self.faults.append(Fault(place, words))


def _meaning(spelling: str) -> JsonValue:
    if spelling in _TRUTHS:
        return _TRUTHS[spelling]
    if _INTEGER.fullmatch(spelling):
        return int(spelling, 0) if spelling.startswith(("0o", "0x")) else int(spelling)
    if _FLOAT.fullmatch(spelling):
        return float(spelling)
    return spelling
