"""OPC UA links and what belongs to them: a user never unprotected, no deadband that hides an alarm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from config.draft import Draft
from config.faults import Fault
from config.opcua import OpcUaLink, Reading
from config.points.read import Row
from config.series import Virtual
from config.tags import Deadband, Tag
from config.text import text

_FOR_SUBSCRIPTIONS: Final = ("sampling", "queue", "server_deadband")


def opcua_faults(draft: Draft, rows: Sequence[Row], virtuals: Sequence[Virtual]) -> Iterator[Fault]:
    """Yield the faults of OPC UA links, and of keys and columns that are for OPC UA alone."""
    yield from _user_faults(draft)
    for device in draft.devices:
        if draft.link_type_of(device) not in ("opcua", None) and (
            "reading" in draft.document.section("devices", device)
        ):
            words = text('"reading" is for OPC UA, but device "{device}" is not; take it away', device=device)
            yield Fault(draft.document.key_place("devices", device, "reading"), words)
    judged = {condition.tag for condition in draft.conditions.values()}
    judged |= {name for virtual in virtuals for name in virtual.inputs}
    judged |= {row.tag.suppressed_when.tag for row in rows if row.tag.suppressed_when is not None}
    for row in rows:
        yield from _column_faults(draft, row)
        yield from _hidden_changes(row, judged)


def subscription_age_ns(draft: Draft, tag: Tag) -> int:
    """Return how old a tag's value may be when it is scanned, because a subscription brings it; else 0."""
    device = draft.devices.get(tag.device)
    link = draft.links.get(device.link) if device is not None else None
    if device is None or not isinstance(link, OpcUaLink) or tag.scan_class not in draft.scan_classes:
        return 0
    if (device.reading or link.reading or link.limits.reading) is Reading.CYCLIC:
        return 0
    period_ns = draft.scan_classes[tag.scan_class].period
    return link.limits.sampling(period_ns, tag.sampling) + link.limits.publishing(period_ns)


def _user_faults(draft: Draft) -> Iterator[Fault]:
    for name in draft.names("links"):
        link = draft.document.section("links", name)
        user = draft.document.section("links", name, "user")
        if link.get("type") != "opcua" or "user" not in link:
            continue
        place = draft.document.key_place("links", name, "user")
        if set(user) not in ({"name", "password"}, {"certificate", "key"}):
            yield Fault(place, text("a user is a name and a password, or a certificate and a key; give both"))
        if "security" not in link:
            words = text("who logs in without security is heard by everybody on the wire; add security")
            yield Fault(place, words)


def _column_faults(draft: Draft, row: Row) -> Iterator[Fault]:
    if draft.link_type_of(row.tag.device) in ("opcua", None):
        return
    for column in _FOR_SUBSCRIPTIONS:
        if column in row.tag.model_fields_set and row.sound(column):
            words = text(
                '"{column}" is for OPC UA, but device "{device}" is not; leave the cell empty',
                column=column,
                device=row.tag.device,
            )
            yield Fault(row.place(column), words)


def _hidden_changes(row: Row, judged: set[str]) -> Iterator[Fault]:
    """What the server keeps to itself cannot be judged here."""
    if row.tag.server_deadband == Deadband() or not row.sound("server_deadband"):
        return
    if row.tag.limits or row.tag.tag in judged:
        words = text(
            'a deadband in the server hides small changes from the rules of "{tag}"; leave the cell empty '
            "(the column deadband is for reporting)",
            tag=row.tag.tag,
        )
        yield Fault(row.place("server_deadband"), words)
