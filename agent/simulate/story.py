"""A plant as its scenario has it: what every tag holds at this moment, and how every device answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from random import Random
from typing import Final

from agent.simulate.fault import ON_VALUES, Fault, Kind
from agent.simulate.fitting import suffers
from agent.simulate.rudeness import POLITE, Conduct, Manner
from agent.simulate.scenario import Scenario
from agent.simulate.values import Value
from config.links import ModbusBus, ModbusTcpLink
from config.plant import Plant
from config.tags import Tag

_MANNERS: Final = {
    Kind.DELAY: (Manner.DELAYED,),
    Kind.SILENCE: (Manner.SILENT,),
    Kind.LATE: (Manner.LATE,),
    Kind.DOUBLED: (Manner.DOUBLED,),
    Kind.GARBLED: (Manner.GARBAGE, Manner.TRUNCATED),
    Kind.CRC: (Manner.WRONG_CHECKSUM,),
    Kind.WRONG_UNIT: (Manner.WRONG_UNIT,),
    Kind.DROPOUTS: (Manner.CLOSE,),
    Kind.TRICKLE: (Manner.TRICKLE,),
    Kind.FLOOD: (Manner.FLOOD,),
}
_DELAY_S: Final = 0.5


class Story:
    """The scenario of a plant in time; `now_s` gives the seconds since its start."""

    def __init__(self, plant: Plant, scenario: Scenario, now_s: Callable[[], float]) -> None:
        self.plant = plant
        self._courses = scenario.courses
        self._now_s = now_s
        self._random = Random(scenario.seed)
        self._of_tag = {
            tag.tag: [fault for fault in scenario.faults if suffers(fault, tag, plant)] for tag in plant.tags
        }
        self._of_device = {device: self._of_answers(device) for device in plant.description.devices}

    def raw(self, tag: Tag) -> Value:
        """Return what a tag's registers or node hold now: the number before scale and offset."""
        faults = self._of_tag[tag.tag]
        value = self._courses[tag.tag](self._seconds(faults))
        if any(self._strikes(fault) for fault in faults if fault.kind is Kind.NAN):
            return math.nan
        if isinstance(value, str) or (tag.scale, tag.offset) == (1, 0):
            return value
        return (value - tag.offset) / tag.scale

    def refusal(self, tags: Iterable[Tag]) -> int | None:
        """Return the exception code of a request for `tags`; None where it is not refused."""
        faults = (fault for tag in tags for fault in self._of_tag[tag.tag] if fault.kind is Kind.EXCEPTION)
        return next((fault.code for fault in dict.fromkeys(faults) if self._strikes(fault)), None)

    def conduct(self, device: str, asked: Collection[Tag] = ()) -> Conduct:
        """Return how a device answers a question for `asked`."""
        for fault in self._of_device[device]:
            to_it = fault.tag is None or any(tag.tag == fault.tag for tag in asked)
            if to_it and fault.kind in _MANNERS and self._strikes(fault):
                return Conduct(self._random.choice(_MANNERS[fault.kind]), self._pause_s(fault, device))
        return POLITE

    def is_away(self, device: str) -> bool:
        """Tell whether a device is just restarting."""
        now_s = self._now_s()
        return any(fault.kind is Kind.RESTART and fault.active(now_s) for fault in self._of_device[device])

    def _seconds(self, faults: Iterable[Fault]) -> float:
        """Return the time that a value believes it is: of its last restart, or since when it is stuck."""
        now_s, begun_s = self._now_s(), 0.0
        for fault in faults:
            if fault.kind is Kind.RESTART and fault.end_s <= now_s:
                begun_s = max(begun_s, fault.end_s)
        for fault in faults:
            if fault.kind is Kind.STUCK and fault.active(self._now_s()):
                now_s = min(now_s, fault.start_s)
        return max(0.0, now_s - begun_s)

    def _strikes(self, fault: Fault) -> bool:
        return fault.active(self._now_s()) and self._random.random() < fault.rate

    def _of_answers(self, device: str) -> list[Fault]:
        found = (fault for tag in self.plant.tags if tag.device == device for fault in self._of_tag[tag.tag])
        return list(dict.fromkeys(fault for fault in found if fault.kind not in ON_VALUES))

    def _pause_s(self, fault: Fault, device: str) -> float:
        """Return the fault's pause; by default longer than the link waits, where that is the point of it."""
        if fault.pause_s is not None:
            return fault.pause_s
        link = self.plant.description.links[self.plant.description.devices[device].link]
        if fault.kind is Kind.DELAY:
            return _DELAY_S
        if isinstance(link, ModbusBus):
            return max(0.0, link.timeout + link.settle / 2 - link.answer_time) / 1e9  # it has thought before
        return 1.5 * link.timeout / 1e9 if isinstance(link, ModbusTcpLink) else link.timeout / 1e9
