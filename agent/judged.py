"""What the judge holds true now, for people and programs: standing alarms and the state of interlocks."""

from __future__ import annotations

from typing import Final

from agent.wiring import Wiring
from config.text import Text, text
from config.vocabulary import Limit, Priority, QualityClass, WitnessState, class_of, describe
from filters.alarm import ActiveAlarm
from filters.holds import Holds
from filters.witnesses import InterlockStatus

Json = dict[str, object]

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


def alarms(wiring: Wiring) -> list[Json]:
    """Return the alarms that stand, oldest first."""
    now = wiring.clock.boot_ns()
    return [_alarm(wiring, alarm, now) for alarm in wiring.engine.alarms()]


def interlocks(wiring: Wiring) -> list[Json]:
    """Return every interlock with its state and what was counted of it in this run."""
    titles = {interlock.name: interlock.title for interlock in wiring.plant.interlocks}
    now = wiring.clock.boot_ns()
    return [_interlock(found, titles[found.name], now) for found in wiring.engine.interlocks()]


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
    said = text(
        "{tag} ({title}): {what}, {measured}, for {seconds} s, {priority}",
        tag=tag.tag,
        title=tag.title or tag.device,
        what=_WHAT.get(alarm.rule.rpartition(".")[2], text("condition met")),
        measured=describe(quality)
        if class_of(quality) is QualityClass.BAD
        else f"{value:.6g} {tag.unit}".rstrip(),
        seconds=round(for_s),
        priority=_PRIORITIES[alarm.priority],
    )
    return {
        "rule": alarm.rule,
        "tag": tag.tag,
        "title": tag.title,
        "priority": alarm.priority,
        "for_s": for_s,
        "value": value,
        "unit": tag.unit,
        "quality": quality,
        "words": in_both(said),
    }


def _interlock(found: InterlockStatus, title: str, now: int) -> Json:
    last_proven = found.last_proven_boot_ns
    return {
        "interlock": found.name,
        "title": title,
        "state": found.state,
        "state_words": in_both(_STATES[found.state]),
        "for_s": (now - found.since_boot_ns) / 1e9,
        "demands": found.demands,
        "proven": found.proven,
        "failed": found.failed,
        "last_proven_s_ago": None if last_proven is None else (now - last_proven) / 1e9,
    }
