"""What people change in the running agent (POST `/actions/<name>`): the registry, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.events import own_event
from agent.operators import acknowledge, end_maintenance, maintain, mute, shelve, unmute, unshelve
from agent.quarantine import drop_quarantined, resend_quarantined
from agent.status_server import Action
from agent.wiring import Wiring
from config.vocabulary import EventKind

_LONGEST: Final = 200


def actions(wiring: Wiring) -> dict[str, Action]:
    """Return every action by its name; each is told as an event, with the name of the user."""
    found = {
        "acknowledge": acknowledge(wiring),
        "shelve": shelve(wiring),
        "unshelve": unshelve(wiring),
        "mute": mute(wiring),
        "unmute": unmute(wiring),
        "maintain": maintain(wiring),
        "end_maintenance": end_maintenance(wiring),
        "resend_quarantined": resend_quarantined(wiring),
        "drop_quarantined": drop_quarantined(wiring),
    }
    return {name: audited(wiring, name, action) for name, action in found.items()}


def audited(wiring: Wiring, name: str, action: Action) -> Action:
    """Return an action that, once it has succeeded, is told and kept with what it has changed.

    The event's figures are the user and the arguments. What was refused has changed nothing and is not told.
    """

    def act(user: str, arguments: Mapping[str, object]) -> object:
        answer = action(user, arguments)
        said = {key: _brief(value) for key, value in arguments.items() if value is not None}
        now = wiring.clock.boot_ns()
        wiring.pipeline.tell(own_event(EventKind.OPERATOR_ACTION, name, now, **(said | {"user": user})))
        wiring.pipeline.judge()
        wiring.pipeline.keep_state()
        return answer

    return act


def _brief(value: object) -> float | str:
    if isinstance(value, int | float):
        return value
    said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return said if len(said) <= _LONGEST else said[: _LONGEST - 3] + "..."
