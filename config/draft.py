"""A description on its way to a plant: what of it is sound, so that every part can be looked at at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from config.explain import KEY, Finding, explain, schema_at
from config.faults import Fault, Loc
from config.fields import Model
from config.links import Device, Link
from config.models import Description, LogSettings, ScanClass
from config.rules import AlarmRule, Cause, Condition, Effect, Series
from config.units import Duration
from config.yaml_source import Document

T = TypeVar("T")
K = TypeVar("K", str, int)

_SCAN_CLASS: Final = TypeAdapter(ScanClass)
_LINK: Final[TypeAdapter[Link]] = TypeAdapter(Link)
_DEVICE: Final = TypeAdapter(Device)
_LOG: Final = TypeAdapter(LogSettings)
_CAUSE: Final = TypeAdapter(Cause)
_EFFECT: Final = TypeAdapter(Effect)
_CONDITION: Final = TypeAdapter(Condition)
_SERIES: Final = TypeAdapter(Series)
_ALARM_RULE: Final = TypeAdapter(AlarmRule)
_DURATION: Final = TypeAdapter(Duration)

INTERLOCKS: Final[Loc] = ("rules", "interlocks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The sound parts of a description, and its document, which holds the unsound ones, too.

    A part with an unsound key has its default there; it is missing only where the key is required.
    `series`, `alarm_rules`: by name. `conditions`: every cause, effect and other condition of the interlocks,
    by its location; `skews_ns`: by the interlock's index.
    """

    document: Document
    scan_classes: Mapping[str, ScanClass]
    links: Mapping[str, Link]
    devices: Mapping[str, Device]
    series: Mapping[str, Series]
    alarm_rules: Mapping[str, AlarmRule]
    conditions: Mapping[Loc, Condition]
    skews_ns: Mapping[int, int]
    log: LogSettings | None

    def names(self, section: str) -> list[str]:
        """Return the names that a section defines, sound or not."""
        return [str(loc[1]) for loc in self.document.marks if len(loc) == 2 and loc[0] == section]

    def is_sound(self, section: str, name: str, key: str) -> bool:
        """Tell whether a key of a part is absent or right; where it is neither, its default stands there."""
        part: Model | None = getattr(self, section).get(name)
        return part is not None and (
            key in part.model_fields_set or (section, name, key) not in self.document.marks
        )

    def link_of(self, device: str) -> str | None:
        """Return the name of the link that a device is on, known or not; None where there is no name."""
        link = self.document.section("devices", device).get("link")
        return link if isinstance(link, str) else None

    def link_type_of(self, device: str) -> str | None:
        """Return the type of the link that a device is on; None where that cannot be told."""
        link = self.link_of(device)
        found = self.document.section("links", link).get("type") if link is not None else None
        return found if isinstance(found, str) else None


def describe(document: Document) -> tuple[Description | None, list[Fault]]:
    """Return the description, or None and every fault that one part of it has on its own."""
    try:
        return Description.model_validate_json(json.dumps(document.data), strict=True), []
    except ValidationError as error:
        found = (_fault(document, details) for details in error.errors(include_url=False))
        return None, [fault for fault in found if fault is not None]


def draft_of(document: Document) -> Draft:
    """Return what is sound of a document."""
    return Draft(
        document=document,
        scan_classes=_sound_ones(_SCAN_CLASS, document.section("scan_classes")),
        links=_sound_ones(_LINK, document.section("links")),
        devices=_sound_ones(_DEVICE, document.section("devices")),
        series=_sound_ones(_SERIES, document.section("rules", "series")),
        alarm_rules=_sound_ones(_ALARM_RULE, document.section("rules", "alarms")),
        conditions=dict(_conditions(document)),
        skews_ns=_sound_ones(
            _DURATION, {index: raw.get("skew", "200ms") for index, raw in interlocks_of(document)}
        ),
        log=_sound(_LOG, document.section("log")),
    )


def interlocks_of(document: Document) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    """Yield the index and the raw data of every interlock."""
    found = document.section("rules").get("interlocks")
    for index in range(len(found) if isinstance(found, list) else 0):
        yield index, document.section(*INTERLOCKS, index)


def _conditions(document: Document) -> Iterator[tuple[Loc, Condition]]:
    for index, raw in interlocks_of(document):
        loc = (*INTERLOCKS, index)
        parts: list[tuple[Loc, Condition | None]] = [
            ((*loc, key), _sound(_CONDITION, raw.get(key)))
            for key in ("armed_when", "ready_when", "bypassed_when")
        ]
        parts.append(((*loc, "cause"), _sound(_CAUSE, raw.get("cause"))))
        parts += [((*loc, "also", n), _sound(_CAUSE, also)) for n, also in _listed(raw, "also")]
        parts += [((*loc, "effects", n), _sound(_EFFECT, effect)) for n, effect in _listed(raw, "effects")]
        yield from ((loc, part) for loc, part in parts if part is not None)


def _listed(raw: dict[str, JsonValue], key: str) -> Iterator[tuple[int, JsonValue]]:
    found = raw.get(key)
    yield from enumerate(found if isinstance(found, list) else ())


def _sound_ones(adapter: TypeAdapter[T], raw: Mapping[K, JsonValue]) -> dict[K, T]:
    found = ((name, _sound(adapter, part)) for name, part in raw.items())
    return {name: part for name, part in found if part is not None}


def _sound(adapter: TypeAdapter[T], raw: JsonValue) -> T | None:
    """Return the part without its unsound keys, whose faults `describe` tells; None where nothing is left."""
    try:
        return adapter.validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        if not isinstance(raw, dict):
            return None
        unsound = {part for details in error.errors() for part in details["loc"] if part in raw}
        rest = {key: value for key, value in raw.items() if key not in unsound}
        return _sound(adapter, rest) if unsound else None


def _fault(document: Document, details: ErrorDetails) -> Fault | None:
    """Return the fault; None where the file already has one at this very place (a key without a value)."""
    loc, kind = details["loc"], details["type"]
    if kind == "missing" and loc in document.marks:
        return None
    at = document.resolve((*loc, "type") if kind == "union_tag_invalid" else loc)
    of_key = loc[-1:] == (KEY,)
    about_key = of_key or kind in ("missing", "extra_forbidden")
    finding = Finding(
        details=details,
        name=_dotted((*at, loc[-1]) if kind == "missing" else at),
        spelling=str(at[-1]) if of_key else document.spelling(*at),
        schema=schema_at(Description, loc[:-1] if kind == "extra_forbidden" else loc),
    )
    return Fault(document.key_place(*at) if about_key else document.place(*at), explain(finding))


def _dotted(loc: Loc) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(parts).removeprefix(".")
