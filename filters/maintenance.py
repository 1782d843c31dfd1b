"""Devices and tags that are being worked on: their readings are flagged, their alarms out of service."""

from __future__ import annotations

from typing import Final

import numpy as np

from config.plant import Plant, ScanGroup
from config.vocabulary import EventKind
from filters.event import Event
from filters.holds import Hold, Holds
from filters.layout import Uint32s


class Maintenance:
    """What is being worked on, by the name of the device or tag; a device's name goes before a tag's.

    `flags`: by tag number, what its readings are marked with; 0 where nobody works on it. A virtual tag is
    being worked on when a tag that it rests on is.
    """

    def __init__(self, plant: Plant) -> None:
        self.holds: Final = Holds(EventKind.MAINTENANCE_ENDED)
        self.flags: Uint32s = np.zeros(len(plant.signals), dtype=np.uint32)
        self._numbers = {tag.tag: _marked(plant, {tag.tag}) for tag in plant.tags}
        self._numbers |= {
            device: _marked(plant, {tag.tag for tag in plant.tags if tag.device == device})
            for device in plant.description.devices
        }

    @property
    def names(self) -> list[str]:
        """Everything that can be worked on."""
        return list(self._numbers)

    def begin(self, name: str, hold: Hold) -> None:
        """Take a device or tag out of service; `name` is one of `names`."""
        self.holds.put(name, hold)
        self._mark()

    def end(self, name: str, now_ns: int) -> None:
        """Return it to service by hand."""
        self.holds.lift(name, now_ns)
        self._mark()

    def step(self, now_ns: int) -> list[Event]:
        """Return to service whatever's time is over."""
        ended = self.holds.step(now_ns)
        if ended:
            self._mark()
        return ended

    def resume(self, saved: dict[str, Hold], by_ns: int, now_ns: int) -> None:
        """Take up what was being worked on, on a clock that reads `by_ns` more; end what exists no more."""
        self.holds.resume(saved, by_ns)
        self.holds.end_all_but(self._numbers, now_ns)
        self._mark()

    def flagged(self, group: ScanGroup, quality: Uint32s) -> Uint32s:
        """Return the quality words of a group's scan with the marks of what is being worked on."""
        return quality | self.flags[group.span] if self.holds else quality

    def _mark(self) -> None:
        self.flags[:] = 0
        for name, hold in self.holds.items():
            self.flags[self._numbers[name]] |= np.uint32(hold.flags)


def _marked(plant: Plant, names: set[str]) -> list[int]:
    """Return the numbers of these tags, and of the virtual ones that rest on any of them."""
    resting = [virtual.name for virtual in plant.virtuals if not names.isdisjoint(virtual.inputs)]
    return [plant.number_of[name] for name in (*sorted(names), *resting)]
