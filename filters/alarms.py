"""Alarms: the limits LL, L, H, HH of a tag, and its sensor being Bad (ISA-18.2, IEC 62682).

* A limit is met when the value reaches it; it is left when the value has come back by the deadband.
* A Bad input never raises or clears a limit alarm: it is an alarm of its own, `<tag>.bad`, once it has lasted
  for `fault_delay`. Tags that are marked as safety tags have that alarm, and so has every tag with LL or HH,
  because otherwise a broken sensor would hide the demand that the limit stands for.
* An Uncertain input is judged, and the event says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.models import Tag
from config.plant import Plant
from config.vocabulary import EventKind, Limit, Priority, QualityClass, class_of
from filters.comparisons import Comparison, Comparisons
from filters.event import Event, Evidence
from filters.image import Image
from filters.machine import AT_LEAST, AT_MOST, IS_BAD, RAISED

Figures = dict[str, float | int | str]

_HIGH = (Limit.H, Limit.HH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlarm:
    """One alarm that stands now. `tag` is a number; `onset_boot_ns` the first sample that met the limit."""

    rule: str
    tag: int
    priority: Priority
    since_boot_ns: int
    onset_boot_ns: int


def alarm_comparisons(plant: Plant) -> list[Comparison]:
    """Return what the alarms of a plant compare."""
    return [row for tag in plant.tags for row in (*_limits(tag), *_sensor(tag))]


def alarm_key(tag: Tag, limit: Limit) -> str:
    """Return the name of a limit alarm."""
    return f"{tag.tag}.{limit}"


def _limits(tag: Tag) -> list[Comparison]:
    return [
        Comparison(
            key=alarm_key(tag, limit),
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
    if not (tag.safety or tag.ll is not None or tag.hh is not None):
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

    def __init__(self, comparisons: Comparisons, image: Image) -> None:
        self._comparisons = comparisons
        self._image = image
        self.active: dict[int, ActiveAlarm] = {}

    def move(self, row: int, move: int, at_ns: int) -> Event:
        """Return the event of one alarm that was raised or cleared at `at_ns`."""
        return self._raise(row, at_ns) if move == RAISED else self._clear(row, at_ns)

    def _raise(self, row: int, at_ns: int) -> Event:
        rule = self._comparisons.rows[row]
        onset_ns = int(self._comparisons.states[row]["rose_onset_ns"])
        self.active[row] = ActiveAlarm(
            rule=rule.key,
            tag=self._comparisons.tag_of[row],
            priority=rule.tag.priority,
            since_boot_ns=at_ns,
            onset_boot_ns=onset_ns,
        )
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
        seen = evidence_of(self._image, self._comparisons.tag_of[row])
        if rule.test != IS_BAD:
            figures |= {"limit": rule.limit, "value": seen.value, "raw": seen.raw, "quality": seen.quality}
        return Event(
            kind=kind,
            rule=rule.key,
            priority=rule.tag.priority,
            boot_ns=at_ns,
            scan_boot_ns=at_ns,
            evidence=(seen,),
            figures=figures | quality_figures(seen),
        )


def evidence_of(image: Image, tag: int) -> Evidence:
    """Return a tag's reading as it stands in the image."""
    return Evidence(
        tag=tag,
        raw=float(image.raw[tag]),
        value=float(image.value[tag]),
        quality=int(image.quality[tag]),
        boot_ns=int(image.boot_ns[tag]),
    )


def quality_figures(*evidence: Evidence) -> Figures:
    """Return what an event must say of the quality of its evidence: `uncertain` = 1 where one is."""
    uncertain = any(class_of(seen.quality) is QualityClass.UNCERTAIN for seen in evidence)
    return {"uncertain": 1} if uncertain else {}
