"""The arguments of an action, read and refused politely."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from agent.status_server import Refused
from config.faults import WrongValue
from config.fields import LINE_PATTERN
from config.text import Text, text
from config.units import S, parse_duration_ns, show_duration
from config.wording import unknown

Arguments = Mapping[str, object]


def name_of(arguments: Arguments, key: str, noun: Text, known: Collection[str]) -> str:
    """Return a name that is known. Raises Refused, with what may have been meant."""
    found = str(arguments.get(key, ""))
    if found not in known:
        raise Refused(unknown(noun, found, known))
    return found


def names_of(arguments: Arguments, key: str, noun: Text, known: Collection[str], most: int) -> list[str]:
    """Return names that are all known, each once and at most so many. Raises Refused."""
    found = arguments.get(key)
    names = list(dict.fromkeys(found)) if isinstance(found, list) else []
    if not 1 <= len(names) <= most:
        raise Refused(text("name from 1 to {most} of them at a time", most=most))
    held = frozenset(known)
    return [name_of({key: name}, key, noun, held) for name in names]


def reason_of(arguments: Arguments) -> str:
    """Return why something is done: one line that says something. Raises Refused."""
    why = str(arguments.get("why", "")).strip()
    if not why or re.search(LINE_PATTERN, why) is None:
        raise Refused(text("say why in one line of at most 200 characters: --why ..."))
    return why


def duration_of(arguments: Arguments, longest_ns: int) -> int:
    """Return for how long, in nanoseconds. Raises Refused."""
    try:
        duration_ns = parse_duration_ns(arguments.get("for", ""))
    except WrongValue as error:
        raise Refused(error.words) from error
    if not S <= duration_ns <= longest_ns:
        raise Refused(text("write a duration from 1s to {longest}", longest=show_duration(longest_ns)))
    return duration_ns
