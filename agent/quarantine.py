"""What people may do with records that a platform refused; each of these is an action (`agent.actions`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.arguments import Arguments, name_of
from agent.status_server import Action, Refused
from agent.wiring import Wiring
from buffer.aside import Aside
from config.text import text

ALL: Final = "all"


def resend_quarantined(wiring: Wiring) -> Action:
    """Send the records `records` (names, or `all`) of `uplink` again."""
    return _action(wiring, wiring.log.resend)


def drop_quarantined(wiring: Wiring) -> Action:
    """Delete the records `records` (names, or `all`) of `uplink`; the platform will never have them."""
    return _action(wiring, wiring.log.discard)


def _action(wiring: Wiring, each: Callable[[Aside], None]) -> Action:
    def act(_user: str, arguments: Arguments) -> object:
        uplink = name_of(arguments, "uplink", text("uplink"), wiring.forwarders)
        chosen = _chosen(wiring.log.quarantined(uplink), str(arguments.get("records", "")))
        for aside in chosen:
            each(aside)
        wiring.forwarders[uplink].wake()
        return {"uplink": uplink, "records": [aside.name for aside in chosen]}

    return act


def _chosen(asides: list[Aside], names: str) -> list[Aside]:
    """Return the records that are named, separated by commas. Raises Refused."""
    if names == ALL:
        return asides
    found = {aside.name: aside for aside in asides}
    wanted = dict.fromkeys(names.split(","))
    missing = [name for name in wanted if name not in found]
    if missing:
        raise Refused(text("not in quarantine: {names}", names=", ".join(missing)))
    return [found[name] for name in wanted]
