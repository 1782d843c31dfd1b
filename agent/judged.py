"""What the judge holds true now, for people and programs: standing alarms and the state of interlocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from functools import partial, reduce
from itertools import islice
from typing import Final

from agent.naming import titled
from agent.spans import span_of
from agent.verdict import BECAUSE, EffectFound, effects_found, verdict_words
from agent.wiring import Wiring
from config.plant import Plant
from config.rules import Interlock
from config.tags import ValueType
from config.text import Text, text
from config.vocabulary import (
    Limit,
    Priority,
    QualityClass,
    Withheld,
    WitnessState,
    class_of,
    describe,
)
from filters.aftermath import not_held
from filters.alarm import ActiveAlarm
from filters.event import Figures
from filters.holds import Holds
from filters.lifecycle import AlarmState
from filters.proof import Entry, failures_of
from filters.witnesses import InterlockStatus

Json = dict[str, object]

ALARMS_AT_ONCE: Final = 50
"""As many are put into words within a few milliseconds."""
LOOKED_AT_AT_ONCE: Final = 500
INTERLOCKS_AT_ONCE: Final = 50

_WHAT: Final[dict[str, Text]] = {
    Limit.LL: text("very low"),
    Limit.L: text("low"),
    Limit.H: text("high"),
    Limit.HH: text("very high"),
    "bad": text("no good value"),
}
_PRIORITIES: Final[dict[Priority, Text]] = {
    Priority.CRITICAL: text("critical"),
    Priority.HIGH: text("high priority"),
    Priority.MEDIUM: text("medium priority"),
    Priority.LOW: text("low priority"),
}
_ALARM_STATES: Final[dict[AlarmState, Text]] = {
    AlarmState.NORMAL: text("over"),
    AlarmState.UNACKNOWLEDGED: text("not acknowledged"),
    AlarmState.ACKNOWLEDGED: text("acknowledged"),
    AlarmState.RETURNED: text("over, not acknowledged"),
    AlarmState.LATCHED_UNACKNOWLEDGED: text("latched, not acknowledged"),
    AlarmState.LATCHED_ACKNOWLEDGED: text("latched, to be reset"),
}
_WITHHELD: Final[dict[Withheld, Text]] = {
    Withheld.MAINTENANCE: text("maintenance"),
    Withheld.SHELVED: text("shelved"),
    Withheld.SUPPRESSED: text("suppressed by design"),
    Withheld.MUTED: text("muted"),
}
_STATES: Final[dict[WitnessState, Text]] = {
    WitnessState.DISARMED: text("not armed"),
    WitnessState.ARMED: text("armed"),
    WitnessState.DEMAND: text("demanded"),
    WitnessState.PROVEN: text("proven"),
    WitnessState.FAILED: text("FAILED"),
    WitnessState.INDETERMINATE: text("cannot be told"),
    WitnessState.UNKNOWN: text("unknown"),
    WitnessState.BYPASSED: text("BYPASSED"),
}


def alarms(wiring: Wiring, first: int = 0) -> Json:
    """Return the alarms that are not normal, the most urgent first: `ALARMS_AT_ONCE` from `first`.

    `total`: how many there are; `next`: where the next page begins, None where there is none.
    """
    now, annunciator = wiring.clock.boot_ns(), wiring.engine.annunciator
    page = islice(annunciator.all(first), ALARMS_AT_ONCE)
    total, after = len(annunciator.alarms), first + ALARMS_AT_ONCE
    return {
        "total": total,
        "alarms": [_alarm(wiring, alarm, now) for alarm in page],
        "next": after if after < total else None,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The alarms that stand.

    `pressing`: those that are told, the most urgent first, `ALARMS_AT_ONCE` at most. `silent`: how many only
    say that a sensor of a device that does not answer has no good value, by device; they press nobody.
    """

    pressing: list[Json]
    silent: Counter[str]


def standing(wiring: Wiring) -> Generator[None, None, Standing]:
    """Look over all alarms, in pieces."""
    now, absent = wiring.clock.boot_ns(), wiring.poller.absences()
    told: list[Json] = []
    silent = Counter[str]()
    for number, alarm in enumerate(wiring.engine.annunciator.all(), start=1):
        if number % LOOKED_AT_AT_ONCE == 0:
            yield
        if not alarm.state.stands:
            continue
        device = _lost_device(wiring, alarm) if absent and alarm.rule.endswith(".bad") else ""
        if device in absent:
            silent[device] += 1
        elif alarm.withheld is None and len(told) < ALARMS_AT_ONCE:
            told.append(_alarm(wiring, alarm, now))
    return Standing(pressing=told, silent=silent)


def _lost_device(wiring: Wiring, alarm: ActiveAlarm) -> str:
    """Return the one device that an alarm says cannot be read: of a rule, that of all its Bad inputs."""
    plant, quality = wiring.plant, wiring.engine.image.quality
    virtual = plant.virtual(plant.signals[alarm.tag].tag)
    if virtual is None:
        return plant.signals[alarm.tag].device
    inputs = [plant.number_of[name] for name in virtual.inputs]
    bad = {
        plant.signals[number].device
        for number in inputs
        if class_of(int(quality[number])) is QualityClass.BAD
    }
    return bad.pop() if len(bad) == 1 else ""


def interlocks(wiring: Wiring) -> Generator[None, None, list[Json]]:
    """Return every interlock with its state and what was counted of it since it is watched, in pieces."""
    described = {interlock.name: interlock for interlock in wiring.plant.interlocks}
    shown: list[Json] = []
    for found in wiring.engine.interlocks():
        if shown and len(shown) % INTERLOCKS_AT_ONCE == 0:
            yield
        shown.append(_interlock(wiring, found, described[found.name]))
    return shown


def proof_log(wiring: Wiring, name: str) -> list[Json]:
    """Return what an interlock has shown, the newest first; an unknown name gives an empty list."""
    now, label_of = wiring.clock.boot_ns(), partial(label, wiring.plant)
    history = [entry for found in wiring.engine.interlocks() if found.name == name for entry in found.history]
    return [
        {
            "event": entry.kind,
            "ago_s": (now - entry.boot_ns) / 1e9,
            "figures": entry.figures,
            "withheld": entry.withheld,
            "withheld_words": in_both(_WITHHELD[entry.withheld]) if entry.withheld else None,
            "effects": [_effect(found, label_of) for found in effects_found(entry.figures)],
            "not_held": [label_of(name) for name in not_held(entry.figures)],
            "because": _because(entry.figures),
        }
        for entry in reversed(history)
    ]


def label(plant: Plant, name: str) -> str:
    """Return what people call a tag, virtual or not; the name itself where it is of an earlier plant."""
    return (plant.signal(name).title if name in plant.number_of else "") or name


def last_failure(found: InterlockStatus) -> Entry | None:
    """Return the newest failure that is kept of an interlock."""
    failures = failures_of(found.history)
    return failures[-1] if failures else None


def _effect(found: EffectFound, label_of: Callable[[str], str]) -> Json:
    because = None if found.because is None else in_both(BECAUSE[found.because])
    return {**asdict(found), "title": label_of(found.effect), "because_words": because}


def _because(figures: Figures) -> Json | None:
    """Return in words why something is so, where the figures have a code for it."""
    words = {str(code): found for code, found in BECAUSE.items()}.get(str(figures.get("because")))
    return None if words is None else in_both(words)


def held(holds: Holds, now_ns: int) -> list[Json]:
    """Return what is set aside, the next to end first."""
    return [
        {
            "name": name,
            "who": hold.who,
            "why": hold.why,
            "for_s": (now_ns - hold.since_ns) / 1e9,
            "left_s": (hold.until_ns - now_ns) / 1e9,
        }
        for name, hold in holds.items()
    ]


def in_both(said: Text) -> Json:
    """Return a text in both languages."""
    return {"en": said.show("en"), "zh": said.show("zh")}


def _alarm(wiring: Wiring, alarm: ActiveAlarm, now: int) -> Json:
    tag, image = wiring.plant.signals[alarm.tag], wiring.engine.image
    quality, value = int(image.quality[alarm.tag]), float(image.value[alarm.tag])
    for_s = (now - alarm.since_boot_ns) / 1e9
    return {
        "rule": alarm.rule,
        "tag": tag.tag,
        "title": tag.title,
        "priority": alarm.priority,
        "state": alarm.state,
        "state_words": in_both(_ALARM_STATES[alarm.state]),
        "withheld": alarm.withheld,
        "withheld_words": in_both(_WITHHELD[alarm.withheld]) if alarm.withheld else None,
        "chatters": alarm.chatters,
        "response": alarm.response,
        "for_s": for_s,
        "value": value,
        "unit": tag.unit,
        "quality": quality,
        "words": in_both(_alarm_words(wiring, alarm, for_s)),
    }


def _alarm_words(wiring: Wiring, alarm: ActiveAlarm, for_s: float) -> Text:
    """Return an alarm in a sentence; one whose condition is gone does not read as if it were met."""
    said = {
        "subject": _subject(wiring, alarm),
        "what": _WHAT.get(alarm.rule.rpartition(".")[2], text("condition met")),
        "measured": _measured(wiring, alarm.tag),
        "span": span_of(for_s),
        "priority": _PRIORITIES[alarm.priority],
    }
    if alarm.state.active:
        return text("{subject}: {what}, {measured}, for {span}, {priority}", **said)
    return text("{subject}: {what} is over, now {measured}, raised {span} ago, {priority}", **said)


def _subject(wiring: Wiring, alarm: ActiveAlarm) -> Text | str:
    """Return what an alarm is about: its tag with its title, or where an expression decides, the rule."""
    tag = wiring.plant.signals[alarm.tag]
    name = tag.tag if wiring.plant.virtual(tag.tag) is None else alarm.rule.removesuffix(".bad")
    return titled(name, tag.title or tag.device)


def _measured(wiring: Wiring, number: int) -> Text | str:
    """Return what is read of a tag; of an expression that is true or not, what is read of its inputs."""
    tag, image = wiring.plant.signals[number], wiring.engine.image
    quality = int(image.quality[number])
    if class_of(quality) is QualityClass.BAD:
        return describe(quality, tag.meaning_of(float(image.raw[number])))
    virtual = wiring.plant.virtual(tag.tag)
    if virtual is None or tag.type is not ValueType.BOOL:
        return f"{image.value[number]:.6g} {tag.unit}".rstrip()
    read = (
        text("{tag} {measured}", tag=name, measured=_measured(wiring, wiring.plant.number_of[name]))
        for name in virtual.inputs
    )
    return reduce(lambda first, second: text("{first}, {second}", first=first, second=second), read)


def _interlock(wiring: Wiring, found: InterlockStatus, described: Interlock) -> Json:
    now, last_proven, last_failed = wiring.clock.boot_ns(), found.last_proven_boot_ns, last_failure(found)
    return {
        "interlock": found.name,
        "title": described.title,
        "response": described.response,
        "basis": described.basis,
        "state": found.state,
        "state_words": in_both(_STATES[found.state]),
        "for_s": (now - found.since_boot_ns) / 1e9,
        "demands": found.demands,
        "proven": found.proven,
        "failed": found.failed,
        "last_proven_s_ago": None if last_proven is None else (now - last_proven) / 1e9,
        "last_failed_s_ago": None if last_failed is None else (now - last_failed.boot_ns) / 1e9,
        "last_failed": None if last_failed is None else dict(last_failed.figures),
        "last_failed_words": None if last_failed is None else _failure(wiring, last_failed),
        "proof_due_in_s": None if found.proof_due_boot_ns is None else (found.proof_due_boot_ns - now) / 1e9,
        "ready": found.unready_since_boot_ns is None,
        "bypasses": found.bypasses,
        "bypassed_s": (found.bypassed_before_ns + now - (found.bypassed_since_boot_ns or now)) / 1e9,
        "inputs_bad": found.inputs_bad,
        "muted": found.muted,
    }


def _failure(wiring: Wiring, failed: Entry) -> Json | None:
    words = verdict_words(failed.figures, partial(label, wiring.plant))
    return None if words is None else in_both(words)
