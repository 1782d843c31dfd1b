"""What operators may do with alarms, interlocks and devices; each of these is an action (`agent.actions`)."""

from __future__ import annotations

from typing import Final

from agent.arguments import Arguments, duration_of, name_of, names_of, reason_of
from agent.status_server import Action
from agent.wiring import Wiring
from config.text import text
from config.units import DAY
from config.vocabulary import Flag
from filters.holds import Hold, Holds

LONGEST_MAINTENANCE_NS: Final = 30 * DAY
LONGEST_SHELF_NS: Final = 1 * DAY
MOST_AT_ONCE: Final = 200


def acknowledge(wiring: Wiring) -> Action:
    """Acknowledge the alarms that `alarms` names; a latched one whose condition has gone is reset by it."""

    def act(_user: str, arguments: Arguments) -> object:
        annunciator = wiring.engine.annunciator
        present = annunciator.present
        names = names_of(arguments, "alarms", text("alarm now"), present, MOST_AT_ONCE)
        for name in names:
            annunciator.acknowledge(name, wiring.clock.boot_ns())
        return {"acknowledged": names}

    return act


def shelve(wiring: Wiring) -> Action:
    """Set `alarm` aside `for` a time: its events are kept but not told as alarms."""

    def act(user: str, arguments: Arguments) -> object:
        annunciator = wiring.engine.annunciator
        alarm = name_of(arguments, "alarm", text("alarm"), annunciator.names)
        return {"alarm": alarm} | _put(annunciator.shelves, alarm, wiring, user, arguments)

    return act


def unshelve(wiring: Wiring) -> Action:
    """Take `alarm` from the shelf."""

    def act(_user: str, arguments: Arguments) -> object:
        shelves = wiring.engine.annunciator.shelves
        alarm = name_of(arguments, "alarm", text("shelved alarm"), shelves.names)
        shelves.lift(alarm, wiring.clock.boot_ns())
        return {"alarm": alarm}

    return act


def mute(wiring: Wiring) -> Action:
    """Silence our notification of `interlock` `for` a time; the plant's interlock is not touched."""

    def act(user: str, arguments: Arguments) -> object:
        names = [found.name for found in wiring.plant.interlocks]
        interlock = name_of(arguments, "interlock", text("interlock"), names)
        return {"interlock": interlock} | _put(
            wiring.engine.witnesses.mutes, interlock, wiring, user, arguments
        )

    return act


def unmute(wiring: Wiring) -> Action:
    """Notify of `interlock` again."""

    def act(_user: str, arguments: Arguments) -> object:
        mutes = wiring.engine.witnesses.mutes
        interlock = name_of(arguments, "interlock", text("muted interlock"), mutes.names)
        mutes.lift(interlock, wiring.clock.boot_ns())
        return {"interlock": interlock}

    return act


def maintain(wiring: Wiring) -> Action:
    """Take the device or tag `subject` out of service `for` a time; `calibration`: gas or weights come."""
    maintenance = wiring.engine.maintenance

    def act(user: str, arguments: Arguments) -> object:
        subject = name_of(arguments, "subject", text("device or tag"), maintenance.names)
        flags = Flag.MAINTENANCE | (Flag.CALIBRATION if arguments.get("calibration") else Flag.NONE)
        hold = _hold(wiring, user, arguments, LONGEST_MAINTENANCE_NS, flags)
        maintenance.begin(subject, hold)
        return {"subject": subject, "for_s": hold.length_s}

    return act


def end_maintenance(wiring: Wiring) -> Action:
    """Return the device or tag `subject` to service."""
    maintenance = wiring.engine.maintenance

    def act(_user: str, arguments: Arguments) -> object:
        held = text("device or tag in maintenance")
        subject = name_of(arguments, "subject", held, maintenance.holds.names)
        maintenance.end(subject, wiring.clock.boot_ns())
        return {"subject": subject}

    return act


def _put(holds: Holds, name: str, wiring: Wiring, user: str, arguments: Arguments) -> dict[str, float]:
    """Set an alarm or an interlock aside; return for how long."""
    hold = _hold(wiring, user, arguments, LONGEST_SHELF_NS)
    holds.put(name, hold)
    return {"for_s": hold.length_s}


def _hold(wiring: Wiring, user: str, arguments: Arguments, longest_ns: int, flags: Flag = Flag.NONE) -> Hold:
    now = wiring.clock.boot_ns()
    return Hold(
        since_ns=now,
        until_ns=now + duration_of(arguments, longest_ns),
        who=user,
        why=reason_of(arguments),
        flags=int(flags),
    )
