"""Expressions: names that are their own, and a meaning for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.consistency.interlocks import alarm_names
from config.draft import INTERLOCKS, Draft, interlocks_of
from config.faults import Fault, Loc
from config.points.read import Row
from config.resolve import Resolution, resolve
from config.rules import Condition
from config.series import condition_name, declared_of
from config.text import text


def resolution_of(draft: Draft, rows: Sequence[Row], *, all_read: bool) -> Resolution:
    """Return what the expressions of a description mean, as far as they are sound."""
    usable = [
        row.tag
        for row in rows
        if row.sound("tag", "device", "scan_class", "type", "median")
        and row.tag.scan_class in draft.scan_classes
    ]
    return resolve(
        declared_of(draft.series, draft.alarm_rules, _conditions(draft)),
        usable,
        {name: scan_class.period for name, scan_class in draft.scan_classes.items()},
        all_known=all_read and len(usable) == len(rows),
    )


def expression_faults(draft: Draft, rows: Sequence[Row], resolution: Resolution) -> Iterator[Fault]:
    """Yield the faults of the expressions and of the names of series and alarm rules."""
    yield from _name_faults(draft, rows)
    for declared, fault in resolution.faults:
        yield Fault(draft.document.place_inside(*declared.loc, at=fault.at), fault.words)


def _conditions(draft: Draft) -> Iterator[tuple[str, Loc, Condition]]:
    names = {index: raw.get("name") for index, raw in interlocks_of(draft.document)}
    for loc, condition in draft.conditions.items():
        part = loc[len(INTERLOCKS) + 1 :]
        yield condition_name(str(names.get(int(loc[len(INTERLOCKS)]))), part), loc, condition


def _name_faults(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    tags = {row.tag.tag for row in rows if row.sound("tag")}
    told_of_tags = alarm_names(tags) | {f"{name}.bad" for name in draft.alarm_rules}
    interlocks = {str(raw.get("name")) for _, raw in interlocks_of(draft.document)}
    for section, taken in (
        ("series", tags | set(draft.alarm_rules)),
        ("alarms", tags | told_of_tags | interlocks),
    ):
        for name in draft.document.section("rules", section):
            if name in taken:
                words = text('"{name}" is the name of something else already; choose another', name=name)
                yield Fault(draft.document.key_place("rules", section, name), words)
