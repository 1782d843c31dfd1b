"""A plant on a stage: an engine that scans and judges as the agent does, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from config.plant import Plant, ScanGroup
from config.tags import Tag
from filters.engine import Engine
from filters.event import Event
from filters.kernels import Kernels

START_NS: Final = 10**12
_PHASES: Final = 16

Reading = Callable[[Tag], tuple[float, int]]
"""Gives what an instrument shows now: the value in engineering units, and the driver's quality word."""


@dataclass
class Stage:
    """An engine, and the instruments that it sees. `unpolled`: devices of which no scan comes.

    `jitter_ns`: how much later than due the next scan begins.
    """

    plant: Plant
    kernels: Kernels
    read: Reading
    jitter_ns: Callable[[], int] = lambda: 0
    unpolled: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    now_ns: int = START_NS

    def __post_init__(self) -> None:
        self.engine = Engine(self.plant, self.kernels)
        self._due_ns = self.now_ns
        self._next_ns = {
            group.number: START_NS + self._period_ns(group) * (group.number % _PHASES) // _PHASES
            for group in self.plant.groups
        }

    def run_until(self, end_ns: int) -> None:
        """Scan and judge until an instant."""
        while (at_ns := min(min(self._next_ns.values()), max(self._due_ns, self.now_ns))) <= end_ns:
            self.now_ns = at_ns
            for group in self.plant.groups:
                if self._next_ns[group.number] == at_ns:
                    self._next_ns[group.number] += self._period_ns(group) + self.jitter_ns()
                    self._scan(group)
            self._judge()
        self.now_ns = end_ns

    def restart(self, absence_ns: int) -> None:
        """Let the agent be killed, and be back after a while of the same boot."""
        state = self.engine.state()
        self.now_ns += absence_ns
        self.engine = Engine(self.plant, self.kernels)
        self.events += self.engine.restore(state, self.now_ns, same_boot=True)
        self._next_ns = dict.fromkeys(self._next_ns, self.now_ns)
        self._due_ns = self.now_ns

    def _judge(self) -> None:
        events, due_ns = self.engine.judge(self.now_ns)
        self.events += events
        self._due_ns = due_ns if due_ns > self.now_ns else self.now_ns + 1

    def _scan(self, group: ScanGroup) -> None:
        if group.device in self.unpolled:
            return
        tags = self.plant.tags_of(group)
        shown = [self.read(tag) for tag in tags]
        raw = np.array([raw_of(tag, value) for tag, (value, _) in zip(tags, shown, strict=True)])
        quality = np.array([word for _, word in shown], np.uint32)
        raw[quality > 0] = np.nan
        self.engine.condition(group, raw, quality, self.now_ns)

    def _period_ns(self, group: ScanGroup) -> int:
        return self.plant.scan_class_of(group).period


def raw_of(tag: Tag, value: float) -> float:
    """Return the raw number that a device shows for a value."""
    raw = (value - tag.offset) / tag.scale
    return raw if tag.type.value.startswith("float") else float(round(raw))
