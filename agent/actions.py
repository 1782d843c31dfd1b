"""What people change in the running agent (POST `/actions/<name>`): the registry, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping

from agent.audit import Audit
from agent.operators import acknowledge, end_maintenance, maintain, mute, shelve, unmute, unshelve
from agent.quarantine import drop_quarantined, resend_quarantined
from agent.status_server import Action, Refused
from agent.wiring import Wiring


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
    audit = Audit(wiring)
    return {name: audited(wiring, audit, name, action) for name, action in found.items()}


def audited(wiring: Wiring, audit: Audit, name: str, action: Action) -> Action:
    """Return an action that is told: once it has succeeded, or where it was refused."""

    def act(user: str, arguments: Mapping[str, object]) -> object:
        try:
            answer = action(user, arguments)
        except Refused as refusal:
            audit.refused(user, name, arguments, refusal.words)
            raise
        audit.did(user, name, arguments)
        wiring.pipeline.judge()
        wiring.pipeline.keep_state()
        return answer

    return act
