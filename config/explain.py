"""The findings of pydantic in our own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from config.faults import WrongValue
from config.fields import (
    CODE_PATTERN,
    EXPRESSION_PATTERN,
    HOST_PATTERN,
    HTTP_URL_PATTERN,
    IDENTIFIER_PATTERN,
    LINE_PATTERN,
    OPCUA_URL_PATTERN,
    SECRET_PATTERN,
    SERIAL_PORT_PATTERN,
    TOPIC_PATTERN,
    ZONE_PATTERN,
)
from config.text import Text, text
from config.wording import brief, closest, some

Schema = dict[str, Any]
"""A piece of JSON Schema; its shape is pydantic's."""

KEY: Final = "[key]"
"""What pydantic puts at the end of a location that means the key, not its value."""

_PATTERNS: Final[dict[str, Text]] = {
    IDENTIFIER_PATTERN: text(
        "write letters A-Z, digits, _ . or -, at most 64 (it becomes part of MQTT topics)"
    ),
    CODE_PATTERN: text("write letters A-Z, digits, _ . or -, at most 64"),
    LINE_PATTERN: text("write one line of at most 200 characters, none of them a control character"),
    EXPRESSION_PATTERN: text(
        "write an expression of at most 1000 characters, for example dp < 100 and fan_run"
    ),
    HOST_PATTERN: text("write a host name or an IP address alone, for example 192.168.1.10"),
    ZONE_PATTERN: text("write what the clock is ahead of UTC, for example +08:00"),
    SERIAL_PORT_PATTERN: text("write the path of a serial port, for example /dev/serial/by-id/usb-1a86-if00"),
    HTTP_URL_PATTERN: text("write for example https://platform.example.com/fengsui"),
    TOPIC_PATTERN: text("write an MQTT topic without the wildcards + and #"),
    OPCUA_URL_PATTERN: text("write for example opc.tcp://192.168.1.20:4840"),
}
_NO_TRUTHS: Final = frozenset(("yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One error of pydantic: `name` of the key or column, the value as the file spells it, its schema."""

    details: ErrorDetails
    name: str
    spelling: str
    schema: Schema

    @property
    def found(self) -> Text | str:
        """What stands there, for people; never what stands in place of a reference to a secret."""
        value = self.details["input"]
        if self.schema.get("pattern") == SECRET_PATTERN:
            return text("something else")
        if isinstance(value, dict):
            return text("a group of keys")
        if isinstance(value, list | tuple):
            return text("a list")
        return f'"{brief(self.spelling)}"' if isinstance(value, str) else brief(self.spelling)


def explain(finding: Finding) -> Text:
    """Return what was found and what would be right."""
    return _EXPLANATIONS.get(finding.details["type"], _does_not_fit)(finding)


def schema_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> Schema:
    """Return the schema of the value at `loc`; empty where the model knows no such place."""
    root = _schema_of(model)
    found = root
    for part in loc:
        found = _child(root, found, part)
    return found


def _child(root: Schema, schema: Schema, part: str | int) -> Schema:
    if isinstance(part, int):
        found = schema.get("items", {})
    elif "discriminator" in schema:
        found = {"$ref": schema["discriminator"]["mapping"].get(part, "")}
    elif "properties" in schema:
        found = schema["properties"].get(part, {})
    else:
        found = next(iter(schema.get("patternProperties", {}).values()), {})
    return _resolved(root, found)


def _resolved(root: Schema, schema: Schema) -> Schema:
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return _resolved(root, options[0])
    if "$ref" in schema:
        found: Schema = root["$defs"].get(schema["$ref"].rpartition("/")[2], {})
        return found
    return schema


@cache
def _schema_of(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _missing(finding: Finding) -> Text:
    name, _, key = finding.name.rpartition(".")
    if not name:
        return text('there is no "{key}"; add it', key=key)
    return text('{name} has no "{key}"; add it', name=name, key=key)


def _unknown_key(finding: Finding) -> Text:
    name, _, key = finding.name.rpartition(".")
    known = list(finding.schema.get("properties", ()))
    if meant := closest(key, known):
        return text('unknown key "{key}"; did you mean "{meant}"?', key=brief(key), meant=meant)
    if not name:
        return text('unknown key "{key}"; known here are {names}', key=brief(key), names=some(known))
    return text(
        'unknown key "{key}" in {name}; known there are {names}', key=brief(key), name=name, names=some(known)
    )


def _not_a_text(finding: Finding) -> Text:
    if finding.schema.get("pattern") == SECRET_PATTERN:
        return _wrong_pattern(finding)
    if isinstance(finding.details["input"], dict | list):
        return text("{name} is {found}; write a text", name=finding.name, found=finding.found)
    return text(
        '{name} is {found}, not a text; put it in quotes: "{spelling}"',
        name=finding.name,
        found=finding.found,
        spelling=brief(finding.spelling),
    )


def _not_a_whole_number(finding: Finding) -> Text:
    if _is_quoted_number(finding):
        return _needless_quotes(finding)
    return text("{name} is {found}; write a whole number", name=finding.name, found=finding.found)


def _not_a_number(finding: Finding) -> Text:
    if _is_quoted_number(finding):
        return _needless_quotes(finding)
    if finding.spelling.lower() in _NO_TRUTHS:
        return _not_a_truth(finding)
    return text("{name} is {found}; write a number", name=finding.name, found=finding.found)


def _is_quoted_number(finding: Finding) -> bool:
    return (
        isinstance(finding.details["input"], str)
        and finding.spelling.strip("+-").replace(".", "").isdecimal()
    )


def _needless_quotes(finding: Finding) -> Text:
    return text(
        "{name} is the text {found}; write the number without quotes", name=finding.name, found=finding.found
    )


def _not_a_truth(finding: Finding) -> Text:
    if finding.spelling.lower() in _NO_TRUTHS:
        return text(
            "{name} is {found}, a text in YAML 1.2; write true or false",
            name=finding.name,
            found=finding.found,
        )
    return text("{name} is {found}; write true or false", name=finding.name, found=finding.found)


def _not_a_group(finding: Finding) -> Text:
    return text(
        "{name} is {found}; write its keys below it, indented", name=finding.name, found=finding.found
    )


def _not_a_list(finding: Finding) -> Text:
    return text(
        '{name} is {found}; write a list below it, each entry with "- "',
        name=finding.name,
        found=finding.found,
    )


def _not_a_choice(finding: Finding) -> Text:
    schema = finding.schema
    choices = schema.get("enum", [schema.get("const")])
    return text(
        "{name} is {found}; write {choices}",
        name=finding.name,
        found=finding.found,
        choices=" | ".join(str(choice) for choice in choices),
    )


def _no_type(finding: Finding) -> Text:
    return text(
        '{name} has no "type"; write {choices}', name=finding.name, choices=" | ".join(_types(finding.schema))
    )


def _unknown_type(finding: Finding) -> Text:
    return text(
        '{name} is "{found}"; write {choices}',
        name=finding.name,
        found=brief(finding.details["ctx"]["tag"]),
        choices=" | ".join(_types(finding.schema)),
    )


def _types(schema: Schema) -> list[str]:
    return list(schema.get("discriminator", {}).get("mapping", ()))


def _wrong_pattern(finding: Finding) -> Text:
    if finding.schema.get("pattern") == SECRET_PATTERN:
        return text(
            "{name} is no reference to a secret; write env:NAME, file:/path or credential:NAME "
            "(the secret itself never stands here)",
            name=finding.name,
        )
    pattern = finding.details["ctx"]["pattern"]
    return text(
        "{name} is {found}; {remedy}", name=finding.name, found=finding.found, remedy=_PATTERNS[pattern]
    )


def _out_of_range(finding: Finding) -> Text:
    low, high = finding.schema.get("minimum"), finding.schema.get("maximum")
    if low is not None and high is not None:
        return text(
            "{name} {found} is outside {low}..{high}",
            name=finding.name,
            found=finding.found,
            low=f"{low:g}",
            high=f"{high:g}",
        )
    return text(
        "{name} {found} is below {low}; write {low} or more",
        name=finding.name,
        found=finding.found,
        low=f"{low:g}",
    )


def _empty(finding: Finding) -> Text:
    return text("{name} is empty; write at least one entry", name=finding.name)


def _wrong_value(finding: Finding) -> Text:
    error = finding.details["ctx"]["error"]
    words = error.words if isinstance(error, WrongValue) else str(error)
    return text("{name}: {words}", name=finding.name, words=words)


def _does_not_fit(finding: Finding) -> Text:
    return text(
        "{name} is {found}, which does not fit here; docs/plant.md tells what does",
        name=finding.name,
        found=finding.found,
    )


_EXPLANATIONS: Final[dict[str, Callable[[Finding], Text]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "string_type": _not_a_text,
    "int_type": _not_a_whole_number,
    "int_from_float": _not_a_whole_number,
    "float_type": _not_a_number,
    "bool_type": _not_a_truth,
    "dict_type": _not_a_group,
    "model_type": _not_a_group,
    "tuple_type": _not_a_list,
    "literal_error": _not_a_choice,
    "enum": _not_a_choice,
    "union_tag_not_found": _no_type,
    "union_tag_invalid": _unknown_type,
    "string_pattern_mismatch": _wrong_pattern,
    "greater_than_equal": _out_of_range,
    "less_than_equal": _out_of_range,
    "too_short": _empty,
    "value_error": _wrong_value,
}
