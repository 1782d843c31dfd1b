"""One sentence for every event, for people; the numbers stand in the event itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from agent.dictionary import Dictionary
from agent.doings import brief, doing
from agent.naming import titled
from agent.verdict import verdict_words
from config.tags import ValueType
from config.text import Text, text
from config.vocabulary import EventKind, Limit, QualityClass, class_of, describe
from filters.event import Event, Evidence

_SENTENCES: Final[dict[EventKind, Text]] = {
    EventKind.ALARM_RAISED: text("alarm {rule}: {subject}"),
    EventKind.ALARM_CLEARED: text("alarm {rule} is over: {subject}"),
    EventKind.ALARM_REPEATED: text("alarm {rule} still stands: {subject}"),
    EventKind.ALARM_LATCHED: text("alarm {rule} stands until it is acknowledged: {subject}"),
    EventKind.ALARM_CHATTER: text("alarm {rule} chatters: raised {raised} times within a minute"),
    EventKind.ALARM_CHATTER_ENDED: text("alarm {rule} chatters no more; it was raised {raised} times"),
    EventKind.ALARM_FLOOD: text("a flood of alarms: {raised} within ten minutes"),
    EventKind.ALARM_FLOOD_ENDED: text("the flood of alarms is over; it was {raised}"),
    EventKind.ALARM_SHELF_ENDED: text("alarm {rule} is no longer shelved, as it was by {user}: {why}"),
    EventKind.MAINTENANCE_ENDED: text("{rule} is in service again, after maintenance by {user}: {why}"),
    EventKind.OPERATOR_ACTION: text("{user} did {rule}: {subject}"),
    EventKind.OPERATOR_REFUSED: text("{user} was refused {rule}"),
    EventKind.INTERLOCK_ARMED: text("interlock {rule} is armed"),
    EventKind.INTERLOCK_DISARMED: text("interlock {rule} is not armed"),
    EventKind.INTERLOCK_DEMAND: text("interlock {rule} is demanded: {subject}"),
    EventKind.INTERLOCK_PROVEN: text("interlock {rule} answered in time: {subject}"),
    EventKind.INTERLOCK_FAILED: text("interlock {rule} FAILED: {subject}"),
    EventKind.INTERLOCK_INDETERMINATE: text("interlock {rule} cannot be judged: {subject}"),
    EventKind.INTERLOCK_SPURIOUS: text("interlock {rule} acted without a cause: {subject}"),
    EventKind.INTERLOCK_UNKNOWN: text("interlock {rule} cannot be witnessed: {subject}"),
    EventKind.INTERLOCK_BYPASSED: text("interlock {rule} is bypassed: {subject}"),
    EventKind.INTERLOCK_BYPASS_ENDED: text("interlock {rule} is no longer bypassed"),
    EventKind.INTERLOCK_CLEARED: text("interlock {rule}: the demand is over: {subject}"),
    EventKind.INTERLOCK_NOT_READY: text("interlock {rule} is armed and not ready: {subject}"),
    EventKind.INTERLOCK_READY: text("interlock {rule} is ready, or no longer armed"),
    EventKind.INTERLOCK_PROOF_DUE: text("interlock {rule} must be proof-tested: its last proof is too old"),
    EventKind.INTERLOCK_MUTE_ENDED: text("interlock {rule} is no longer muted, as it was by {user}: {why}"),
    EventKind.DEMAND_INTERRUPTED: text("interlock {rule}: the agent was not there to see how a demand ended"),
    EventKind.AGENT_STARTED: text("the agent started"),
    EventKind.AGENT_STOPPED: text("the agent stopped"),
    EventKind.DEVICE_LOST: text("device {rule} is lost"),
    EventKind.DEVICE_RESTORED: text("device {rule} is back"),
    EventKind.UPLINK_LOST: text("uplink {rule} is lost"),
    EventKind.UPLINK_RESTORED: text("uplink {rule} is back"),
    EventKind.UPLINK_ADDED: text("uplink {rule} is new"),
    EventKind.UPLINK_REMOVED: text("uplink {rule} is described no more and closed"),
    EventKind.QUARANTINED: text("uplink {rule} refused a record; it is in quarantine"),
    EventKind.DEGRADED: text("the agent runs with less: {rule}"),
    EventKind.DEGRADED_ENDED: text("the agent runs in full again: {rule}"),
    EventKind.CLOCK_STEP: text("the clock of this machine stepped"),
    EventKind.MAINS_LOST: text("the mains failed"),
    EventKind.MAINS_RESTORED: text("the mains are back"),
    EventKind.DAILY_SUMMARY: text("the account of the day"),
    EventKind.STATE_LOST: text("what the agent remembered cannot be read; alarms and interlocks begin anew"),
    EventKind.OVERLOAD: text("{rule} cannot keep up"),
    EventKind.OVERLOAD_ENDED: text("{rule} keeps up again"),
    EventKind.RUNNING_OUT: text("a certificate comes to its end"),
}

ABOUT_DEVICES: Final = frozenset((EventKind.DEVICE_LOST, EventKind.DEVICE_RESTORED))
"""Kinds of event whose rule is a device."""

_REACHED: Final = {
    Limit.LL: text("{measured}, at or below its very low limit of {limit}"),
    Limit.L: text("{measured}, at or below its low limit of {limit}"),
    Limit.H: text("{measured}, at or above its high limit of {limit}"),
    Limit.HH: text("{measured}, at or above its very high limit of {limit}"),
}
_LEFT: Final = text("{measured}; the limit is {limit}")


def sentence(event: Event, dictionary: Dictionary, detail: Text | None = None) -> Text:
    """Return what happened, in a sentence; `detail` is what the event's finder has to add."""
    if event.kind is EventKind.OPERATOR_ACTION and (done := doing(event)) is not None:
        return done
    title = _named(event, dictionary)
    subject = _subject(event, dictionary)
    arguments = {**event.figures, "rule": title, "subject": subject}
    said = Text(_SENTENCES[event.kind].template, tuple(arguments.items()))
    return said if detail is None else text("{sentence}: {detail}", sentence=said, detail=detail)


def _named(event: Event, dictionary: Dictionary) -> Text | str:
    if event.kind in ABOUT_DEVICES:
        return titled(event.rule, dictionary.devices.get(event.rule, ""))
    return dictionary.interlocks.get(event.rule) or event.rule


def _subject(event: Event, dictionary: Dictionary) -> Text | str:
    if event.kind is EventKind.OPERATOR_ACTION:
        return _arguments(event)
    if event.figures.get("because") == "rule_changed":
        return text("its rule has changed")
    verdict = verdict_words(event.figures, partial(_label_of, dictionary))
    if verdict is not None:
        return verdict
    if not event.evidence:
        return text("no evidence")
    measured = _measured(event.evidence[0], dictionary)
    return measured if "limit" not in event.figures else _against_limit(event, measured, dictionary)


def _against_limit(event: Event, measured: Text, dictionary: Dictionary) -> Text:
    """Return how a value stands to the limit of its alarm (`<tag>.HH`); a Bad value stands nowhere."""
    evidence = event.evidence[0]
    name = event.rule.rpartition(".")[2]
    if name not in _REACHED or class_of(evidence.quality) is QualityClass.BAD:
        return measured
    limit = f"{event.figures['limit']:.6g} {dictionary.tags[evidence.tag].unit}".rstrip()
    standing = event.kind in (EventKind.ALARM_RAISED, EventKind.ALARM_REPEATED)
    said = _REACHED[Limit(name)] if standing else _LEFT
    return replace(said, arguments=(("measured", measured), ("limit", limit)))


def _arguments(event: Event) -> str:
    return ", ".join(f"{key}={brief(str(value))}" for key, value in event.figures.items() if key != "user")


def _label_of(dictionary: Dictionary, name: str) -> str:
    return next((tag.label for tag in dictionary.tags if tag.name == name), name)


def _measured(evidence: Evidence, dictionary: Dictionary) -> Text:
    facts = dictionary.tags[evidence.tag]
    if class_of(evidence.quality) is QualityClass.BAD:
        return text(
            "{tag} is {quality}",
            tag=facts.label,
            quality=describe(evidence.quality, facts.meaning_of(evidence.raw)),
        )
    if not facts.device and facts.type == ValueType.BOOL:
        held = text("true") if evidence.value else text("not true")
        return text("{tag} is {quality}", tag=facts.label, quality=held)
    measured = f"{evidence.value:.6g} {facts.unit}".rstrip()
    if meaning := facts.meaning_of(evidence.raw):
        return text("{tag} is {measured} ({meaning})", tag=facts.label, measured=measured, meaning=meaning)
    return text("{tag} is {measured}", tag=facts.label, measured=measured)
