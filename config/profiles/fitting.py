"""Whether what a plant says fits its profile: parameters of the right kind, tags in the right unit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from config.faults import WrongValue
from config.profiles.cast import WORD
from config.profiles.models import Parameter, Profile, ProfileUse, Role
from config.tags import Tag
from config.text import Text, text
from config.units import parse_duration_ns

_UNITLESS: Final = frozenset(("median", "queue", "length", "mask", "scale"))
"""Settings that are numbers of no unit."""

_ALIASES: Final = {"lel%": "%lel", "摄氏度": "c", "帕": "pa", "千帕": "kpa", "兆帕": "mpa", "毫米": "mm"}


def unfit(use: ProfileUse, profile: Profile) -> Iterator[tuple[str, Text]]:
    """Yield the parameters whose value is of another kind than the profile's, with what would be right."""
    for name, found in use.set.items():
        parameter = profile.parameters.get(name)
        why = None if parameter is None else _why_not(found, parameter)
        if why is not None:
            yield name, text("{name}: {words}", name=name, words=why)


def _why_not(found: float | str, parameter: Parameter) -> Text | None:
    if not isinstance(parameter.value, str):
        if isinstance(found, str):
            return text('"{found}" is not a number; write for example 12.5', found=found)
        return None
    try:
        parse_duration_ns(found if isinstance(found, str) else f"{found:g}")
    except WrongValue as error:
        return error.words
    return None


def other_unit(role: Role, tag: Tag) -> bool:
    """Tell whether a tag is in another unit than its role, as far as both say theirs."""
    return bool(role.unit and tag.unit) and _plain(role.unit) != _plain(tag.unit)


def counts_in_unit(name: str, profile: Profile, tag: Tag) -> bool:
    """Tell whether the profile itself has numbers in the unit of a role, which this tag's row leaves to it.

    What is a ratio of the normal value is in the unit of the tag, whatever that is.
    """
    role = profile.roles[name]
    asked = {field for field, value in role.settings.items() if type(value) in (int, float)} - _UNITLESS
    asked |= {
        limit.lower()
        for limit, found in role.limits.items()
        if found.value is not None or found.distance is not None
    }
    sources = [*profile.series.values(), *(alarm.when for alarm in profile.alarms.values())]
    compared = any(name in WORD.findall(source) for source in sources)
    return bool(asked - tag.model_fields_set) or compared


def _plain(unit: str) -> str:
    """Return a unit as all its spellings have it: ℃ and °C are C, m³/h is m3/h."""
    plain = unicodedata.normalize("NFKC", unit).casefold()
    for mark in (" ", "°", "^", "·", "deg"):
        plain = plain.replace(mark, "")
    return _ALIASES.get(plain, plain)
