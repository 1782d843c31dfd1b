"""What alarms say: their events, with the readings and numbers that they rest on."""

from __future__ import annotations

from config.vocabulary import EventKind, Priority, Withheld
from filters.alarm_rules import AlarmRule
from filters.event import Event, Evidence, Figures, trust_figures
from filters.machine import IS_BAD


def announce(
    kind: EventKind,
    rule: AlarmRule,
    at_ns: int,
    seen: Evidence,
    figures: Figures,
    withheld: Withheld | None,
    others: tuple[Evidence, ...] = (),
) -> Event:
    """Return an event of an alarm that something happened to at `at_ns`, as its tag was `seen` then.

    `others`: what the inputs of its expression show.
    """
    row = rule.comparison
    if row.test != IS_BAD:
        figures |= {"limit": row.limit, "value": seen.value, "raw": seen.raw, "quality": seen.quality}
    return Event(
        kind=kind,
        rule=row.key,
        priority=row.tag.priority,
        boot_ns=at_ns,
        scan_boot_ns=at_ns,
        evidence=(seen, *others),
        figures=figures | trust_figures((seen,)),
        withheld=withheld,
        response=rule.response,
        basis=rule.basis,
    )


def over_by_change(
    rule: str, priority: Priority, since_ns: int, now_ns: int, withheld: Withheld | None
) -> Event:
    """Return the end of an alarm whose rule no longer exists as it was; the new rule judges anew."""
    return Event(
        kind=EventKind.ALARM_CLEARED,
        rule=rule,
        priority=priority,
        boot_ns=now_ns,
        scan_boot_ns=now_ns,
        figures={"active_ms": (now_ns - since_ns) / 1e6, "because": "rule_changed"},
        withheld=withheld,
    )
