"""A plant that uses profiles, turned into one that says everything itself.

Each use of a profile writes alarm limits into rows of the point tables, wherever their cells are empty, and
rules into the description. Whatever is wrong with them afterwards is told at the place where the profile is
used; what cannot be armed is not a fault but a remark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue, ValidationError

from config.expression.parse import spelled
from config.faults import Fault, Loc
from config.points.read import Row
from config.profiles.cast import Cast, cast, instructed, shortcomings
from config.profiles.library import names, profile
from config.profiles.models import ProfileUse, RoleIs
from config.tags import Tag
from config.text import Text, text
from config.wording import unknown
from config.yaml_source import Document, Mark

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBERS: Final = ("above", "below", "within", "on_delay")

Json = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """A plant without profiles: its document, its rows, and what was found while writing them."""

    document: Document
    rows: list[Row]
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)


def expand(document: Document, rows: Sequence[Row]) -> Expanded:
    """Return the plant as its profiles complete it; what of `profiles` is unsound is passed over."""
    expansion = _Expansion(document, list(rows))
    for name in document.section("profiles"):
        expansion.use(name)
    return expansion.result()


class _Expansion:
    """Collects what the profiles of one plant write."""

    def __init__(self, document: Document, rows: list[Row]) -> None:
        self._document = document
        self._number_of = {row.tag.tag: number for number, row in enumerate(rows) if row.sound("tag")}
        self._rows = rows
        self._interlocks: list[tuple[Json, Loc]] = []
        self._named: dict[str, dict[str, tuple[Json, Loc]]] = {"series": {}, "alarms": {}}
        self._faults: list[Fault] = []
        self._remarks: list[Fault] = []

    def use(self, name: str) -> None:
        """Write what one use of a profile means."""
        loc = ("profiles", name)
        try:
            use = ProfileUse.model_validate_json(json.dumps(self._document.section(*loc)), strict=True)
        except ValidationError:
            return  # told with the rest of the description
        if use.use not in names():
            words = unknown(text("profile"), use.use, names())
            self._faults.append(Fault(self._document.place(*loc, "use"), words))
            return
        parts, faults = cast(name, use, profile(use.use), self._number_of, self._document)
        self._faults += faults + list(_unknown_names(parts, self._document))
        self._instruct(parts)
        for said in shortcomings(parts, self._tag, self._document):
            self._remark(parts, said)
        self._write_expressions(parts)
        self._write_interlocks(parts)

    def result(self) -> Expanded:
        """Return everything."""
        rules = self._document.section("rules")
        marks = dict(self._document.marks)
        mark = Mark(self._document.place(), self._document.place())
        marks.setdefault(("rules",), mark)
        found = rules.get("interlocks")
        interlocks = list(found) if isinstance(found, list) else []
        if self._interlocks:
            marks.setdefault(("rules", "interlocks"), mark)
        for raw, loc in self._interlocks:
            marks["rules", "interlocks", len(interlocks)] = self._document.marks[loc]
            interlocks.append(raw)
        written: Json = {"interlocks": interlocks} if interlocks else {}
        for kind, entries in self._named.items():
            for name, (_, loc) in entries.items():
                marks.setdefault(("rules", kind), mark)
                marks["rules", kind, name] = self._document.marks[loc]
            known = rules.get(kind)
            own = known if isinstance(known, dict) else {}
            if entries or own:
                written[kind] = {**{name: raw for name, (raw, _) in entries.items()}, **own}
        complete: Json = {"rules": {**rules, **written}} if written else {}
        data = self._document.data | complete
        document = Document(self._document.path, data, marks)
        return Expanded(document=document, rows=self._rows, faults=self._faults, remarks=self._remarks)

    def _tag(self, name: str) -> Tag:
        return self._rows[self._number_of[name]].tag

    def _instruct(self, parts: Cast) -> None:
        for name, tag in parts.tag_of.items():
            role = parts.profile.roles[name]
            number = self._number_of[tag]
            self._rows[number] = instructed(self._rows[number], role, parts.use.normal.get(name))

    def _write_expressions(self, parts: Cast) -> None:
        for name, source in parts.profile.series.items():
            if self._played(parts, name, _roles_in(source, parts)):
                raw: Json = {"value": _in_tags(source, parts)}
                self._named["series"][parts.rule(name)] = (raw, parts.loc)
        for name, alarm in parts.profile.alarms.items():
            if name in parts.use.without or not self._played(parts, name, _roles_in(alarm.when, parts)):
                continue
            raw = {
                "when": _in_tags(alarm.when, parts),
                "title": alarm.zh,
                "on_delay": _set(alarm.on_delay, parts),
                "off_delay": _set(alarm.off_delay, parts),
                "priority": alarm.priority,
                "response": alarm.response,
                "basis": alarm.basis,
            }
            self._named["alarms"][parts.rule(name)] = (raw, parts.loc)

    def _write_interlocks(self, parts: Cast) -> None:
        for name, interlock in parts.profile.interlocks.items():
            needed = [part.role for part in (interlock.armed_when, interlock.cause) if part is not None]
            if name in parts.use.without or not self._played(parts, name, needed):
                continue
            cause = interlock.cause
            if cause.limit and cause.limit not in self._tag(parts.tag_of[cause.role]).limits:
                self._unarmed(parts, name, text("its cause has no limit"))
                continue
            effects = [
                _condition(effect, parts) for effect in interlock.effects if effect.role in parts.tag_of
            ]
            for effect in interlock.effects:
                if effect.role not in parts.tag_of:
                    why = text("an effect is not seen: {nobody}", nobody=parts.nobody(effect.role))
                    self._unarmed(parts, name, why)
            if effects:
                raw: Json = {
                    "name": parts.rule(name),
                    "title": interlock.zh,
                    "cause": _condition(cause, parts),
                    "effects": list(effects),
                    "exclusive": interlock.exclusive,
                }
                for key in ("armed_when", "bypassed_when"):
                    part = getattr(interlock, key)
                    if part is not None and part.role in parts.tag_of:
                        raw[key] = _condition(part, parts)
                self._interlocks.append((raw, parts.loc))

    def _played(self, parts: Cast, rule: str, roles: Sequence[str]) -> bool:
        """Tell whether all roles of a rule are played; remark the first that is not."""
        for role in roles:
            if role not in parts.tag_of and parts.named(role) not in self._named["series"]:
                if role in parts.profile.roles:
                    self._unarmed(parts, rule, parts.nobody(role))
                return False
        return True

    def _unarmed(self, parts: Cast, rule: str, why: Text) -> None:
        words = text("rule {rule} of {name} is not armed in full: {why}", rule=rule, name=parts.name, why=why)
        self._remarks.append(Fault(self._document.key_place(*parts.loc), words))

    def _remark(self, parts: Cast, words: Text) -> None:
        said = text("{name}: {words}", name=parts.name, words=words)
        self._remarks.append(Fault(self._document.key_place(*parts.loc), said))


def _unknown_names(parts: Cast, document: Document) -> Iterator[Fault]:
    """Yield parameters and rules that the plant names and the profile does not have."""
    rules = [*parts.profile.alarms, *parts.profile.interlocks]
    known: Mapping[str, tuple[Text, Sequence[str]]] = {
        "set": (text("parameter"), list(parts.profile.parameters)),
        "without": (text("rule"), rules),
    }
    for key, (noun, choices) in known.items():
        for name in getattr(parts.use, key):
            if name not in choices:
                yield Fault(document.key_place(*parts.loc, key, name), unknown(noun, name, choices))


def _roles_in(source: str, parts: Cast) -> list[str]:
    """Return the roles and series that an expression names."""
    known = {**parts.profile.roles, **parts.profile.series}
    return [word for word in dict.fromkeys(_WORD.findall(source)) if word in known]


def _in_tags(source: str, parts: Cast) -> str:
    """Return an expression over the plant's tags: roles, series and parameters by what they are here."""

    def meant(match: re.Match[str]) -> str:
        word = match.group()
        if word in parts.tag_of or word in parts.profile.series:
            return spelled(parts.named(word))
        return str(_set(word, parts))

    return _WORD.sub(meant, source)


def _condition(part: RoleIs, parts: Cast) -> Json:
    """Return a condition of an interlock over the plant's tags."""
    given = part.model_dump(exclude_none=True, exclude={"role"}, mode="json")
    meant = {key: _set(value, parts) if key in _NUMBERS else value for key, value in given.items()}
    return {"tag": parts.named(part.role), **meant}


def _set(value: JsonValue, parts: Cast) -> JsonValue:
    """Return what a parameter is here; anything else as it stands."""
    if not isinstance(value, str) or value not in parts.profile.parameters:
        return value
    return parts.use.set.get(value, parts.profile.parameters[value].value)
