"""What people did to the agent, or were not let do, kept as events with their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.doings import brief
from agent.events import own_event
from agent.wiring import Wiring
from config.text import Text, text
from config.units import S
from config.vocabulary import EventKind
from filters.event import Figures

_QUIET_NS: Final = 60 * S
"""So long, what one user is refused of one kind is only counted: trying again and again fills no log."""


@dataclass(slots=True)
class _Refused:
    told_ns: int
    since: int = 0


class Audit:
    """Tells of what was done, and of what was refused."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._refused: dict[tuple[str, str], _Refused] = {}

    def did(self, user: str, action: str, arguments: Mapping[str, object]) -> None:
        """Tell what somebody has done; its figures are the user and the arguments."""
        self._tell(EventKind.OPERATOR_ACTION, action, said(arguments) | {"user": user})

    def refused(self, user: str, action: str, arguments: Mapping[str, object], why: Text) -> None:
        """Tell what somebody was refused; `refused_before`: how often since that was told last."""
        now, key = self._wiring.clock.boot_ns(), (user, action)
        before = self._refused.get(key)
        if before is not None and now < before.told_ns + _QUIET_NS:
            before.since += 1
            return
        self._refused[key] = _Refused(now)
        more: Figures = {"refused_before": before.since} if before is not None and before.since else {}
        figures = said(arguments) | more | {"user": user}
        self._tell(EventKind.OPERATOR_REFUSED, action, figures, why)

    def turned_away(self, user: str, path: str) -> None:
        """Tell that the socket did not let somebody ask for a path."""
        self.refused(user, brief(path), {}, text("not in the group that owns the socket"))

    def _tell(self, kind: EventKind, action: str, figures: Figures, detail: Text | None = None) -> None:
        event = own_event(kind, action, self._wiring.clock.boot_ns(), **figures)
        self._wiring.pipeline.tell(event, detail)


def said(arguments: Mapping[str, object]) -> Figures:
    """Return the arguments of an action as figures: of a list every member, and how many there are."""
    found: Figures = {}
    for key, value in arguments.items():
        if isinstance(value, list):
            found |= {key: ", ".join(map(str, value)), f"{key}_count": len(value)}
        elif isinstance(value, int | float):
            found[key] = value
        elif value is not None:
            found[key] = brief(str(value))
    return found
