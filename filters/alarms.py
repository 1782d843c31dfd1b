"""Alarms: the limits LL, L, H, HH of a tag, and its sensor being Bad (ISA-18.2, IEC 62682).

* A limit is met when the value reaches it; it is left when the value has come back by the deadband.
* A Bad input never raises or clears a limit alarm: it is an alarm of its own, `<tag>.bad`, once it has lasted
  for `fault_delay`. Tags that are marked as safety tags have that alarm, and so has every tag with LL or HH,
  because otherwise a broken sensor would hide the demand that the limit stands for.
* An Uncertain input is judged, and the event says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.plant import Plant
from config.tags import Tag
from config.vocabulary import EventKind, Limit, Priority
from filters.comparisons import Comparison, Comparisons, limit_key
from filters.event import Event, Figures, trust_figures
from filters.image import Image
from filters.judge import Move
from filters.machine import AT_LEAST, AT_MOST, CLEARED, IS_BAD, RAISED
from filters.series.rules import rule_comparisons

_HIGH = (Limit.H, Limit.HH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlarm:
    """One alarm that stands now. `tag` is a number; `onset_boot_ns` the first sample that met the limit."""

    rule: str
    tag: int
    priority: Priority
    since_boot_ns: int
    onset_boot_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAlarm:
    """One alarm that stood, and the digest of its rule."""

    rule: str
    priority: Priority
    since_boot_ns: int
    onset_boot_ns: int


def alarm_comparisons(plant: Plant) -> list[Comparison]:
    """Return what the alarms of a plant compare."""
    limits = [row for tag in plant.tags for row in (*_limits(tag), *_sensor(tag))]
    return [*limits, *rule_comparisons(plant)]


def _limits(tag: Tag) -> list[Comparison]:
    return [
        Comparison(
            key=limit_key(tag.tag, limit),
            tag=tag,
            test=AT_LEAST if limit in _HIGH else AT_MOST,
            limit=number,
            release=number - tag.alarm_deadband if limit in _HIGH else number + tag.alarm_deadband,
            on_delay_ns=tag.on_delay,
            off_delay_ns=tag.off_delay,
        )
        for limit, number in tag.limits.items()
    ]


def _sensor(tag: Tag) -> list[Comparison]:
    if not tag.tells_bad:
        return []
    return [
        Comparison(
            key=f"{tag.tag}.bad",
            tag=tag,
            test=IS_BAD,
            limit=0.0,
            release=0.0,
            on_delay_ns=tag.fault_delay,
            off_delay_ns=tag.off_delay,
        )
    ]


class Alarms:
    """Turns the moves of alarm comparisons into events, and knows which stand."""

    def __init__(self, wanted: Iterable[Comparison], comparisons: Comparisons, image: Image) -> None:
        self._comparisons = comparisons
        self._rows = {comparisons.number_of[row.key] for row in wanted}
        self._image = image
        self.active: dict[int, ActiveAlarm] = {}

    def step(self, moves: list[Move]) -> list[Event]:
        """Return the events of these moves (row, move, instant); other comparisons' moves are passed over."""
        return [
            self._raise(row, at_ns) if move == RAISED else self._clear(row, at_ns)
            for row, move, at_ns in moves
            if move in (RAISED, CLEARED) and row in self._rows
        ]

    def save(self) -> dict[str, SavedAlarm]:
        """Return the alarms that stand, by name."""
        return {
            alarm.rule: SavedAlarm(
                rule=self._comparisons.digest(row),
                priority=alarm.priority,
                since_boot_ns=alarm.since_boot_ns,
                onset_boot_ns=alarm.onset_boot_ns,
            )
            for row, alarm in self.active.items()
        }

    def resume(self, saved: dict[str, SavedAlarm], by_ns: int, now_ns: int) -> list[Event]:
        """Take up saved alarms, on a clock that reads `by_ns` more; clear those whose rule has changed."""
        events = []
        for name, was in saved.items():
            row = self._comparisons.number_of.get(name)
            since_ns = was.since_boot_ns + by_ns
            if row is None or self._comparisons.digest(row) != was.rule:
                events.append(_cleared_by_change(name, was.priority, since_ns, now_ns))
            else:
                self._comparisons.stand(row, since_ns)
                self.active[row] = self._alarm(row, since_ns, was.onset_boot_ns + by_ns)
        return events

    def _alarm(self, row: int, since_ns: int, onset_ns: int) -> ActiveAlarm:
        rule = self._comparisons.rows[row]
        return ActiveAlarm(
            rule=rule.key,
            tag=self._comparisons.tag_of[row],
            priority=rule.tag.priority,
            since_boot_ns=since_ns,
            onset_boot_ns=onset_ns,
        )

    def _raise(self, row: int, at_ns: int) -> Event:
        rule = self._comparisons.rows[row]
        onset_ns = int(self._comparisons.states[row]["rose_onset_ns"])
        self.active[row] = self._alarm(row, at_ns, onset_ns)
        figures: Figures = {"on_delay_ms": rule.on_delay_ns / 1e6, "onset_boot_ns": onset_ns}
        return self._event(EventKind.ALARM_RAISED, row, at_ns, figures)

    def _clear(self, row: int, at_ns: int) -> Event:
        rule = self._comparisons.rows[row]
        alarm = self.active.pop(row)
        figures: Figures = {
            "off_delay_ms": rule.off_delay_ns / 1e6,
            "active_ms": (at_ns - alarm.since_boot_ns) / 1e6,
        }
        return self._event(EventKind.ALARM_CLEARED, row, at_ns, figures)

    def _event(self, kind: EventKind, row: int, at_ns: int, figures: Figures) -> Event:
        rule = self._comparisons.rows[row]
        seen = self._image.evidence(self._comparisons.tag_of[row])
        if rule.test != IS_BAD:
            figures |= {"limit": rule.limit, "value": seen.value, "raw": seen.raw, "quality": seen.quality}
        return Event(
            kind=kind,
            rule=rule.key,
            priority=rule.tag.priority,
            boot_ns=at_ns,
            scan_boot_ns=at_ns,
            evidence=(seen,),
            figures=figures | trust_figures((seen,)),
        )


def _cleared_by_change(rule: str, priority: Priority, since_ns: int, now_ns: int) -> Event:
    """Return the end of an alarm whose rule no longer exists as it was; the new rule judges anew."""
    return Event(
        kind=EventKind.ALARM_CLEARED,
        rule=rule,
        priority=priority,
        boot_ns=now_ns,
        scan_boot_ns=now_ns,
        figures={"active_ms": (now_ns - since_ns) / 1e6, "because": "rule_changed"},
    )
