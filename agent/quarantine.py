"""What people may do with records that a platform refused; each of these is an action (`agent.actions`)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Final

from agent.arguments import Arguments, name_of
from agent.status_server import Action, Refused
from agent.wiring import Wiring
from buffer.aside import Key
from buffer.log import Log
from config.text import text

ALL: Final = "all"
_NAMES_AT_ONCE: Final = 200
_FILES_AT_ONCE: Final = 10


def resend_quarantined(wiring: Wiring) -> Action:
    """Send the records `records` (names, or `all`) of `uplink` again."""
    return _action(wiring, wiring.log.asides.resend)


def drop_quarantined(wiring: Wiring) -> Action:
    """Delete the records `records` (names, or `all`) of `uplink`; the platform will never have them."""
    return _action(wiring, wiring.log.asides.discard)


def _action(wiring: Wiring, each: Callable[[str, Key], bool]) -> Action:
    """Return an action that does something to each record, in pieces: there may be tens of thousands."""

    def act(_user: str, arguments: Arguments) -> object:
        uplink = name_of(arguments, "uplink", text("uplink"), wiring.forwarders)
        names = str(arguments.get("records", ""))
        return work(uplink, None if names == ALL else _named(wiring.log, uplink, names))

    def work(uplink: str, named: list[Key] | None) -> Generator[None, None, object]:
        chosen: Iterable[Key] = named or ()
        if named is None:
            chosen = yield from _sorted(wiring.log.asides.keys(uplink))
        done: list[str] = []
        for number, key in enumerate(chosen):
            if number % _FILES_AT_ONCE == 0:
                yield
            if each(uplink, key):
                done.append(key.name)
        wiring.forwarders[uplink].wake()
        return {"uplink": uplink, "records": done}

    return act


def _named(log: Log, uplink: str, names: str) -> list[Key]:
    """Return the records that are named, separated by commas. Raises Refused."""
    wanted = {name: Key.parse(name) for name in names.split(",")}
    found = [key for key in wanted.values() if key is not None and log.asides.holds(uplink, key)]
    missing = wanted.keys() - {key.name for key in found}
    if missing:
        raise Refused(text("not in quarantine: {names}", names=", ".join(n for n in wanted if n in missing)))
    return found


def _sorted(found: Iterator[Key]) -> Generator[None, None, Iterable[Key]]:
    """Return keys in their order, sorted a few at a time."""
    parts = []
    while part := sorted(islice(found, _NAMES_AT_ONCE)):
        parts.append(part)
        yield
    return merge(*parts)
