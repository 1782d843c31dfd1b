"""A small plant in virtual time, and an engine that is fed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from config.faults import Place
from config.models import Description
from config.plant import Plant, ScanGroup, number_tags
from config.tags import Tag
from config.vocabulary import EventKind
from filters.engine import Engine
from filters.event import Event
from filters.kernels import Kernels, twins

S = 10**9
MS = 10**6


def tag(name: str, **row: Any) -> Tag:
    return Tag.model_validate({"tag": name, "device": "plc", "scan_class": "fast", "address": "0", **row})


def plant(
    *tags: Tag,
    interlocks: tuple[dict[str, Any], ...] = (),
    periods: dict[str, str] | None = None,
    series: dict[str, Any] | None = None,
    alarms: dict[str, Any] | None = None,
) -> Plant:
    """A plant of the given tags; its scan class `fast` is 1 s unless `periods` says otherwise.

    `series`: expressions, or all of a series, by name.
    """
    named = {
        name: {"value": given} if isinstance(given, str) else given for name, given in (series or {}).items()
    }
    description = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "e", "name": "g"},
            "scan_classes": {
                name: {"period": period} for name, period in ({"fast": "1s"} | (periods or {})).items()
            },
            "links": {"l": {"type": "modbus-tcp", "host": "h"}},
            "devices": {tag.device: {"link": "l"} for tag in tags},
            "points": ["points.csv"],
            "rules": {"interlocks": list(interlocks), "series": named, "alarms": alarms or {}},
        }
    )
    return number_tags(description, [(tag, Place(Path("points.csv"))) for tag in tags], "0" * 64)


class Rig:
    """Feeds an engine; times are seconds, raw numbers by tag name, a quality word where one is not Good."""

    def __init__(self, plant: Plant, kernels: Kernels | None = None) -> None:
        self.plant = plant
        self.engine = Engine(plant, kernels or twins())
        self.events: list[Event] = []
        self.due_s = np.inf

    def group(self, device: str = "plc", scan_class: str = "fast") -> ScanGroup:
        return next(g for g in self.plant.groups if (g.device, g.scan_class) == (device, scan_class))

    def scan(
        self, at_s: float, group: ScanGroup | None = None, *, late_s: float = 0.0, bad: int = 0, **raws: Any
    ) -> list[Event]:
        """One scan: a tag is a number, or (number, quality), or keeps its raw with the quality `bad`."""
        group = group or self.plant.groups[0]
        raw = self.engine.image.raw[group.span].copy()
        quality = np.full(group.count, bad, dtype=np.uint32)
        for place, row in enumerate(self.plant.tags_of(group)):
            if row.tag in raws:
                given = raws[row.tag]
                raw[place], quality[place] = given if isinstance(given, tuple) else (given, 0)
        self.engine.condition(group, raw, quality, round(at_s * S))
        return self.judge(at_s + late_s)

    def judge(self, at_s: float) -> list[Event]:
        events, due_ns = self.engine.judge(round(at_s * S))
        self.due_s = due_ns / S if due_ns < 2**63 - 1 else np.inf
        self.events += events
        return events

    def value(self, name: str) -> float:
        return float(self.engine.image.value[self.plant.number_of[name]])

    def quality(self, name: str) -> int:
        return int(self.engine.image.quality[self.plant.number_of[name]])


def told(events: list[Event]) -> list[tuple[str, str, float]]:
    """Events as (kind, rule, seconds)."""
    return [(event.kind.value, event.rule, event.boot_ns / S) for event in events]


def kinds(events: list[Event]) -> list[EventKind]:
    return [event.kind for event in events]
