"""A plant that uses profiles, turned into one that says everything itself.

Each use of a profile writes alarm limits into rows of the point tables, wherever their cells are empty, and
rules into the description. Whatever is wrong with them afterwards is told at the place where the profile is
used; what cannot be armed is not a fault but a remark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue, ValidationError

from config.faults import Fault, Loc
from config.points.read import Row
from config.profiles.cast import Cast, cast, instructed, shortcomings
from config.profiles.fitting import counts_in_unit, other_unit, unfit
from config.profiles.library import names, profile
from config.profiles.meaning import Json, alternatives, condition, expression, why_not
from config.profiles.models import ProfileAlarm, ProfileInterlock, ProfileUse, RoleEffect
from config.tags import Tag
from config.text import Text, text
from config.wording import unknown
from config.yaml_source import Document, Mark


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
        self._interlocks: list[tuple[Json, Loc, dict[Loc, Loc]]] = []
        self._named: dict[str, dict[str, tuple[Json, Loc]]] = {"series": {}, "alarms": {}}
        self._faults: list[Fault] = []
        self._remarks: list[Fault] = []

    def use(self, name: str) -> None:
        """Write what one use of a profile means."""
        loc = ("profiles", name)
        use = _sound_use(self._document.section(*loc))
        if use is None:
            return  # told with the rest of the description
        if use.use not in names():
            words = unknown(text("profile"), use.use, names())
            self._faults.append(Fault(self._document.place(*loc, "use"), words))
            return
        unset = dict(unfit(use, profile(use.use)))
        self._faults += (Fault(self._document.place(*loc, "set", key), why) for key, why in unset.items())
        fit = {key: value for key, value in use.set.items() if key not in unset}
        use = use.model_copy(update={"set": fit})
        parts, faults = cast(name, use, profile(use.use), self._number_of, self._document)
        self._faults += faults + list(_unknown_names(parts, self._document))
        self._compare_units(parts)
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
        for raw, loc, cells in self._interlocks:
            at = ("rules", "interlocks", len(interlocks))
            marks[at] = self._document.marks[loc]
            marks |= {(*at, *part): self._document.marks[cell] for part, cell in cells.items()}
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

    def _compare_units(self, parts: Cast) -> None:
        """Tell tags that are not in the unit of their role: a fault where the profile has numbers in that."""
        for name, tag in parts.tag_of.items():
            role, row = parts.profile.roles[name], self._rows[self._number_of[tag]]
            if not row.sound("unit") or not other_unit(role, row.tag):
                continue
            words = text(
                "tag {tag} is in {found}, role {role} of {profile} in {unit}; give the tag scale, offset and "
                "unit of {unit}",
                tag=tag,
                found=row.tag.unit,
                role=name,
                profile=parts.use.use,
                unit=role.unit,
            )
            told = self._faults if counts_in_unit(name, parts.profile, row.tag) else self._remarks
            told.append(Fault(row.place("unit"), words))

    def _instruct(self, parts: Cast) -> None:
        for name, tag in parts.tag_of.items():
            number = self._number_of[tag]
            self._rows[number] = instructed(self._rows[number], name, parts, self._document)

    def _write_expressions(self, parts: Cast) -> None:
        for name, source in parts.profile.series.items():
            if parts.lacking(source) is None:
                raw: Json = {"value": expression(source, parts)}
                self._named["series"][parts.rule(name)] = (raw, parts.loc)
        for name, alarm in parts.profile.alarms.items():
            if name in parts.use.without:
                continue
            why = parts.lacking(alarm.when)
            if why is not None:
                self._unarmed(parts, name, why)
            else:
                self._named["alarms"][parts.rule(name)] = (_alarm(alarm, parts), parts.loc)

    def _write_interlocks(self, parts: Cast) -> None:
        for name, interlock in parts.profile.interlocks.items():
            why = None if name in parts.use.without else self._impossible(interlock, parts)
            if why is not None:
                self._unarmed(parts, name, why)
            elif name not in parts.use.without:
                self._write_interlock(parts, name, interlock)

    def _impossible(self, interlock: ProfileInterlock, parts: Cast) -> Text | None:
        """Say why an interlock cannot be witnessed at all."""
        cause = interlock.cause
        needed = [part for part in (interlock.armed_when, cause) if part is not None]
        whys = [why for part in needed if (why := why_not(part, parts)) is not None]
        if whys:
            return whys[0]
        if cause.limit and cause.limit not in self._tag(parts.tag_of[cause.role]).limits:
            return text("its cause has no limit")
        return None

    def _write_interlock(self, parts: Cast, name: str, interlock: ProfileInterlock) -> None:
        for effect in interlock.effects:
            for _, unseen in alternatives(effect, parts):
                if unseen is not None:
                    self._unarmed(parts, name, text("an effect is not seen: {why}", why=unseen))
        seen = [effect for effect in interlock.effects if why_not(effect, parts) is None]
        effects = [condition(effect, parts) for effect in seen]
        if not effects:
            return
        raw: Json = {
            "name": parts.rule(name),
            "title": interlock.zh,
            "cause": condition(interlock.cause, parts),
            "effects": list(effects),
            "exclusive": interlock.exclusive,
            "basis": interlock.basis,
        }
        for key in ("armed_when", "ready_when", "bypassed_when"):
            part = getattr(interlock, key)
            if part is not None and why_not(part, parts) is None:
                raw[key] = condition(part, parts)
        self._interlocks.append((raw, parts.loc, _cells(parts, seen)))

    def _unarmed(self, parts: Cast, rule: str, why: Text) -> None:
        words = text("rule {rule} of {name} is not armed in full: {why}", rule=rule, name=parts.name, why=why)
        self._remarks.append(Fault(self._document.key_place(*parts.loc), words))

    def _remark(self, parts: Cast, words: Text) -> None:
        said = text("{name}: {words}", name=parts.name, words=words)
        self._remarks.append(Fault(self._document.key_place(*parts.loc), said))


def _sound_use(raw: dict[str, JsonValue]) -> ProfileUse | None:
    """Return what a plant says of a profile, without what is unsound in it; None where nothing is left."""
    try:
        return ProfileUse.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        locs = {details["loc"][:2] for details in error.errors()}
        sound = {
            key: {name: inner for name, inner in value.items() if (key, name) not in locs}
            if isinstance(value, dict)
            else value
            for key, value in raw.items()
            if (key,) not in locs
        }
        return _sound_use(sound) if sound != raw else None


def _cells(parts: Cast, effects: Sequence[RoleEffect]) -> dict[Loc, Loc]:
    """Return where the plant itself sets the times of these effects, by their location in the interlock."""
    found: dict[Loc, Loc] = {}
    for number, effect in enumerate(effects):
        if effect.within in parts.use.set:
            cell = (*parts.loc, "set", effect.within)
            found |= {("effects",): parts.loc, ("effects", number): parts.loc}
            found["effects", number, "within"] = cell
    return found


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


def _alarm(alarm: ProfileAlarm, parts: Cast) -> Json:
    """Return an alarm over the plant's tags, as `rules.alarms` would have it."""
    raw: Json = {
        "when": expression(alarm.when, parts),
        "title": alarm.zh,
        "on_delay": parts.value(alarm.on_delay),
        "off_delay": parts.value(alarm.off_delay),
        "latch": alarm.latch,
        "priority": alarm.priority,
        "response": alarm.response,
        "basis": alarm.basis,
    }
    if alarm.suppressed_when and parts.lacking(alarm.suppressed_when) is None:
        raw["suppressed_when"] = expression(alarm.suppressed_when, parts)
    return raw
