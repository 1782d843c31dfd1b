"""Phrases that many faults share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from config.text import Text, text

_LONGEST: Final = 60
_MOST_NAMES: Final = 8


def brief(found: object) -> str:
    """Return what was found, cut where it is long."""
    shown = str(found)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "..."


def closest(found: str, known: Iterable[str]) -> str | None:
    """Return the name that `found` was probably meant to be; case counts least."""
    names = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(found.casefold(), names, n=1, cutoff=0.7)
    return names[matches[0]] if matches else None


def unknown(noun: Text, found: str, known: Iterable[str]) -> Text:
    """Say that `found` is not one of `known`, and what it may have meant."""
    names = sorted(known)
    if meant := closest(found, names):
        return text(
            '{noun} "{found}" is unknown; did you mean "{meant}"?', noun=noun, found=brief(found), meant=meant
        )
    if not names:
        return text('{noun} "{found}" is unknown; there is none at all', noun=noun, found=brief(found))
    return text(
        '{noun} "{found}" is unknown; known are {names}', noun=noun, found=brief(found), names=some(names)
    )


def some(names: Iterable[str]) -> str:
    """Return the names, the first few where there are many."""
    listed = list(names)
    return ", ".join(listed[:_MOST_NAMES]) + (", ..." if len(listed) > _MOST_NAMES else "")
