"""What the black box has to keep of each scan group, and which groups an event concerns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.blackbox.ring import ring_bytes
from config.models import BlackBox
from config.plant import Plant
from config.rules import Cause
from config.series import conditions_of, when_name

SPARE: Final = 5
"""One of so many scans of a ring is room for those to come while a window is being recorded."""
_FEW: Final = 8


def groups_of_signals(plant: Plant) -> list[frozenset[int]]:
    """Return the numbers of the scan groups that every signal rests on, by the signal's number."""
    own = [frozenset((group.number,)) for group in plant.groups for _ in range(group.count)]
    virtual = [frozenset(group.groups) for group in plant.virtual_groups for _ in range(group.count)]
    return own + virtual


def inputs_of_interlocks(plant: Plant) -> dict[str, set[int]]:
    """Return the numbers of the signals that each interlock looks at, by its name."""
    return {
        interlock.name: {plant.number_of[condition.tag] for _, condition in conditions_of(interlock)}
        for interlock in plant.interlocks
    }


def depths_of(plant: Plant, settings: BlackBox) -> list[int]:
    """Return how many scans of each group are kept.

    Where memory is short, those from between an onset and its alarm are left out first, then all groups give
    up one share of theirs.
    """
    for late_ns in (_late_ns(plant, settings.before), [0] * len(plant.groups)):
        depths = [
            _wanted(settings.before + late_ns[group.number], plant.scan_class_of(group).period)
            for group in plant.groups
        ]
        total = sum(ring_bytes(group.count, depths[group.number]) for group in plant.groups)
        if total <= settings.memory:
            return depths
    return [max(1, int(depth * settings.memory / total)) for depth in depths]


def reach_of(depth: int) -> int:
    """Return how many scans back a window may begin in a ring of this depth."""
    return depth - depth // SPARE


def _wanted(before_ns: int, period_ns: int) -> int:
    """Return the scans of the time before an onset, and the room for those to come meanwhile."""
    return -(-before_ns * SPARE // ((SPARE - 1) * period_ns)) + _FEW


def _late_ns(plant: Plant, most_ns: int) -> list[int]:
    """Return by group how long after an onset its alarm may be told; at most `most_ns`."""
    rests_on = groups_of_signals(plant)
    found = [0] * len(plant.groups)
    for number, late_ns in _delays(plant):
        for group in rests_on[number]:
            found[group] = min(most_ns, max(found[group], late_ns))
    return found


def _delays(plant: Plant) -> Iterator[tuple[int, int]]:
    """Yield how late each rule tells what it finds, by the number of the signal that it looks at."""
    for number, tag in enumerate(plant.tags):
        if tag.limits or tag.tells_bad:
            yield number, plant.delay_ns(tag.tag) + max(tag.on_delay, tag.fault_delay * tag.tells_bad)
    for name, rule in plant.alarm_rules.items():
        yield plant.number_of[when_name(name)], plant.delay_ns(when_name(name)) + rule.on_delay
    for interlock in plant.interlocks:
        yield from (_of_cause(plant, cause) for cause in interlock.causes)


def _of_cause(plant: Plant, cause: Cause) -> tuple[int, int]:
    on_delay_ns = cause.on_delay if cause.limit is None else plant.signal(cause.tag).on_delay
    return plant.number_of[cause.tag], plant.delay_ns(cause.tag) + on_delay_ns
