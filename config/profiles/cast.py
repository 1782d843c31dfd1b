"""Which tag plays which role of a profile, and what the role asks of its tag."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import JsonValue

from config.faults import Fault, Loc
from config.points.read import Origin, Row
from config.profiles.models import Profile, ProfileUse, Role, StateIs
from config.tags import Tag
from config.text import Text, text
from config.units import parse_duration_ns
from config.vocabulary import Limit
from config.wording import unknown
from config.yaml_source import Document

_NOBODY: Final = {"tag": "_", "device": "_", "scan_class": "_", "address": "_"}
_RATIO: Final = "ratio"
_LIMITS: Final = frozenset(limit.lower() for limit in Limit)

WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A word of an expression: a role, a series, a parameter, or what expressions are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A profile in use: `loc` is where the plant says so, `tag_of` the tag of every role that is played."""

    name: str
    loc: Loc
    use: ProfileUse
    profile: Profile
    tag_of: Mapping[str, str]

    def rule(self, name: str) -> str:
        """Return what a rule of the profile, or a series, is called in this plant."""
        return f"{self.name}.{name}"

    def named(self, role: str) -> str:
        """Return what a played role, or a series of the profile, is called in this plant."""
        return self.tag_of.get(role, self.rule(role))

    def lacks(self, word: str) -> Text | None:
        """Say why a role, a series or a parameter means nothing here; None: it does, or is no such word."""
        if word in self.profile.roles:
            return None if word in self.tag_of else self.nobody(word)
        if word in self.profile.series:
            return self.lacking(self.profile.series[word])
        if self.value(word) is None:
            role = self.profile.parameters[word].of
            return text(
                "{what} rests on the normal value of {role}, which is not given", what=word, role=role
            )
        return None

    def lacking(self, source: str) -> Text | None:
        """Say why an expression means nothing here, by its first word that does not; None: it does."""
        return next((why for word in WORD.findall(source) if (why := self.lacks(word)) is not None), None)

    def value(self, word: JsonValue) -> JsonValue:
        """Return what a parameter is here, None where that is not known; anything else as it stands."""
        if not isinstance(word, str) or word not in self.profile.parameters:
            return word
        return self.use.set.get(word, self.profile.parameters[word].at(self.use.normal))

    def nobody(self, role: str) -> Text:
        """Say that no tag plays a role."""
        return text("no tag plays the role {role} ({title})", role=role, title=self.profile.roles[role].zh)


def cast(
    name: str, use: ProfileUse, profile: Profile, tags: Collection[str], document: Document
) -> tuple[Cast, list[Fault]]:
    """Return a profile with its roles filled, and the faults of what the plant says of them."""
    loc = ("profiles", name)
    named: dict[str, Iterable[str]] = {"tags": use.tags, "normal": use.normal}
    faults = [
        Fault(document.key_place(*loc, key, role), unknown(text("role"), role, profile.roles))
        for key, roles in named.items()
        for role in roles
        if role not in profile.roles
    ]
    faults += [
        Fault(document.place(*loc, "tags", role), unknown(text("tag"), tag, tags))
        for role, tag in use.tags.items()
        if tag not in tags
    ]
    by_name = {role: use.prefix + role for role in profile.roles}
    named_here = {role: tag for role, tag in use.tags.items() if role in profile.roles}
    played = {role: tag for role, tag in (by_name | named_here).items() if tag in tags}
    return Cast(name=name, loc=loc, use=use, profile=profile, tag_of=played), faults


def instructed(row: Row, name: str, cast: Cast, document: Document) -> Row:
    """Return a row whose tag has what its role asks for, wherever the table says nothing."""
    role, normal = cast.profile.roles[name], cast.use.normal.get(name)
    asked = {field: _in_units(value, normal) for field, value in role.settings.items()}
    asked |= {limit.lower(): found.at(normal) for limit, found in role.limits.items()}
    asked["suppressed_when"] = _suppressor(role.suppressed_when, cast)
    asked = {field: value for field, value in asked.items() if value is not None}
    silent = asked.keys() - row.tag.model_fields_set
    meant = Tag.model_validate(_NOBODY | {field: asked[field] for field in silent})
    tag = row.tag.model_copy(update={field: getattr(meant, field) for field in silent})
    return replace(row, tag=tag, origins={field: _origin(field, name, cast, document) for field in silent})


def _origin(field: str, name: str, cast: Cast, document: Document) -> Origin:
    """Return where a field of a role's tag comes from: the profile, or the plant's normal value."""
    found = cast.profile.roles[name].limits.get(Limit(field.upper())) if field in _LIMITS else None
    normal = cast.use.normal.get(name)
    named = {"profile": cast.name, "tag": cast.tag_of[name]}
    if found is None or found.value is not None or normal is None:
        return Origin(document.key_place(*cast.loc), text("profile {profile}, tag {tag}", **named))
    words = text(
        "profile {profile}, tag {tag} ({share} % of normal {normal})",
        **named,
        share=f"{100 * (1.0 if found.ratio is None else found.ratio):g}",
        normal=f"{normal:g}",
    )
    return Origin(document.place(*cast.loc, "normal", name), words)


def shortcomings(cast: Cast, tag_of: Callable[[str], Tag], document: Document) -> Iterator[Text]:
    """Yield what the profile asks for and the plant lacks: a required tag, a normal value, a faster scan."""
    for name, role in cast.profile.roles.items():
        tag = cast.tag_of.get(name)
        if tag is None:
            if role.required:
                yield text(
                    "{nobody}, which {basis} asks for", nobody=cast.nobody(name), basis=cast.profile.basis
                )
            continue
        for limit, found in role.limits.items():
            if getattr(tag_of(tag), limit.lower()) is None and found.at(cast.use.normal.get(name)) is None:
                yield text(
                    "the alarm {tag}.{limit} is not armed: it rests on the normal value of {role}, "
                    "which is not given",
                    tag=tag,
                    limit=limit,
                    role=name,
                )
        if role.suppressed_when is not None and (why := cast.lacks(role.suppressed_when.role)) is not None:
            yield text("the alarms of {tag} are told while the process rests, too: {why}", tag=tag, why=why)
        yield from _too_slow(tag_of(tag), role, document)


def _too_slow(tag: Tag, role: Role, document: Document) -> Iterator[Text]:
    period = document.section("scan_classes", tag.scan_class).get("period")
    try:
        period_ns = parse_duration_ns(str(period))
    except ValueError:
        return  # told at its own place
    if role.scan and period_ns > parse_duration_ns(role.scan):
        yield text(
            "{tag} is scanned every {period}; as {title} it should be at least every {scan}",
            tag=tag.tag,
            period=str(period),
            title=role.zh,
            scan=role.scan,
        )


def _suppressor(state: StateIs | None, cast: Cast) -> JsonValue:
    """Return what suppresses a role's alarms in this plant; None where nothing does."""
    if state is None or cast.lacks(state.role) is not None:
        return None
    return {"tag": cast.named(state.role), "equals": state.equals}


def _in_units(value: JsonValue, normal: float | None) -> JsonValue:
    """Return a setting; one that is a ratio of the normal value in the tag's unit, None without it."""
    if not isinstance(value, dict) or _RATIO not in value:
        return value
    ratio = value[_RATIO]
    return None if normal is None or not isinstance(ratio, int | float) else round(ratio * normal, 9)
