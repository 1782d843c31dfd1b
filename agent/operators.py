"""What operators may do with alarms, interlocks and devices; each of these is an action (`agent.actions`)."""

from __future__ import annotations

from typing import Final

from agent.arguments import Arguments, duration_of, name_of, reason_of
from agent.status_server import Action
from agent.wiring import Wiring
from config.text import text
from config.units import DAY
from config.vocabulary import Flag
from filters.holds import Hold

LONGEST_MAINTENANCE_NS: Final = 30 * DAY


def maintain(wiring: Wiring) -> Action:
    """Take the device or tag `subject` out of service `for` a time; `calibration`: gas or weights come."""
    maintenance = wiring.engine.maintenance

    def act(user: str, arguments: Arguments) -> object:
        subject = name_of(arguments, "subject", text("device or tag"), maintenance.names)
        flags = Flag.MAINTENANCE | (Flag.CALIBRATION if arguments.get("calibration") else Flag.NONE)
        hold = _hold(wiring, user, arguments, LONGEST_MAINTENANCE_NS, flags)
        maintenance.begin(subject, hold)
        return {"subject": subject, "until_s": (hold.until_ns - hold.since_ns) / 1e9}

    return act


def end_maintenance(wiring: Wiring) -> Action:
    """Return the device or tag `subject` to service."""
    maintenance = wiring.engine.maintenance

    def act(_user: str, arguments: Arguments) -> object:
        held = [name for name, _ in maintenance.holds.items()]
        subject = name_of(arguments, "subject", text("device or tag in maintenance"), held)
        maintenance.end(subject, wiring.clock.boot_ns())
        return {"subject": subject}

    return act


def _hold(wiring: Wiring, user: str, arguments: Arguments, longest_ns: int, flags: Flag = Flag.NONE) -> Hold:
    now = wiring.clock.boot_ns()
    return Hold(
        since_ns=now,
        until_ns=now + duration_of(arguments, longest_ns),
        who=user,
        why=reason_of(arguments),
        flags=int(flags),
    )
