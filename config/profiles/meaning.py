"""What the rules of a profile mean in a plant: its expressions and conditions, over the plant's tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from config.expression.parse import spelled
from config.profiles.cast import WORD, Cast
from config.profiles.models import RoleIs
from config.text import Text

Json = dict[str, JsonValue]

_NUMBERS: Final = ("above", "below", "within", "on_delay")
_OF_PROFILE: Final = {"role", "any_of"}


def alternatives(part: RoleIs, parts: Cast) -> Iterator[tuple[RoleIs, Text | None]]:
    """Yield the comparisons of which any makes a condition true, each with why it means nothing here."""
    for one in part.any_of or (part,):
        numbers = (getattr(one, key, None) for key in _NUMBERS)
        words = (one.role, *(number for number in numbers if isinstance(number, str)))
        yield one, parts.lacking(" ".join(words))


def why_not(part: RoleIs, parts: Cast) -> Text | None:
    """Say why a condition means nothing here; None: something of it does."""
    whys = [why for _, why in alternatives(part, parts)]
    return None if None in whys else whys[0]


def expression(source: str, parts: Cast) -> str:
    """Return an expression over the plant's tags: roles, series and parameters by what they are here."""

    def meant(match: re.Match[str]) -> str:
        word = match.group()
        if word in parts.tag_of or word in parts.profile.series:
            return spelled(parts.named(word))
        return str(parts.value(word))

    return WORD.sub(meant, source)


def condition(part: RoleIs, parts: Cast) -> Json:
    """Return a condition of an interlock over the plant's tags, of which `why_not` says nothing."""
    known = [one for one, why in alternatives(part, parts) if why is None]
    if len(known) == 1:
        return {"tag": parts.named(known[0].role)} | _given(known[0], parts) | _given(part, parts)
    return {"when": " or ".join(_said(one, parts) for one in known)} | _given(part, parts)


def _given(part: RoleIs, parts: Cast) -> Json:
    given = part.model_dump(exclude_none=True, exclude=_OF_PROFILE, mode="json")
    return {key: parts.value(found) if key in _NUMBERS else found for key, found in given.items()}


def _said(part: RoleIs, parts: Cast) -> str:
    """Return a comparison as an expression."""
    name = spelled(parts.named(part.role))
    if isinstance(part.equals, bool):
        return name if part.equals else f"not {name}"
    signs = (("==", part.equals), (">", part.above), ("<", part.below))
    return next(f"{name} {sign} {parts.value(number)}" for sign, number in signs if number is not None)
