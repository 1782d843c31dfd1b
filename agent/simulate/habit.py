"""What a tag does where nobody says otherwise: an ordinary day, without alarms and demands."""

from __future__ import annotations

from typing import Final

from agent.simulate.course import DEFAULT_PERIOD_S, Course, Moving, Shape, Still
from config.plant import Plant
from config.rules import Condition
from config.tags import Tag, ValueType

_SPAN: Final = (0.0, 100.0)
_MARGIN: Final = 0.2  # of the span between the limits, to either side


def habits(plant: Plant, seed: int) -> dict[str, Course]:
    """Return a course for every tag.

    What an interlock names is at rest: armed where it can be, no effect seen, not bypassed. Other bools
    change, as often as a sign of life must; texts and enumerations stand still; numbers walk well between
    their limits, else within their range; others count up.
    """
    resting = _resting(plant)
    return {tag.tag: resting.get(tag.tag) or _habit(tag, f"{seed}/{tag.tag}") for tag in plant.tags}


def _habit(tag: Tag, seed: str) -> Course:
    if tag.type.is_text:
        return Still(tag.tag)
    if tag.enum:
        return Still(next(iter(tag.enum)) * tag.scale + tag.offset)
    if tag.type is ValueType.BOOL:
        period_s = DEFAULT_PERIOD_S if tag.toggle_within is None else tag.toggle_within / 1e9
        return Moving(shape=Shape.SQUARE, low=0, high=1, period_s=period_s, seed=seed)
    low, high = tag.range_low, tag.range_high
    limits = tag.limits.values()
    below = [limit for name, limit in tag.limits.items() if name in ("LL", "L")]
    above = [limit for name, limit in tag.limits.items() if name in ("H", "HH")]
    if not limits and (low is None or high is None):
        return Moving(shape=Shape.RAMP, low=_SPAN[0], high=_SPAN[1], period_s=_SPAN[1], seed=seed)
    bottom, top = _between(max(below, default=low), min(above, default=high))
    margin = _MARGIN * (top - bottom)
    return Moving(shape=Shape.WALK, low=bottom + margin, high=top - margin, seed=seed)


def _between(low: float | None, high: float | None) -> tuple[float, float]:
    """Return both bounds; where one is missing, as far away as the other is from 0."""
    if low is None:
        low = (high or 0.0) - abs(high or 1.0)
    if high is None:
        high = low + abs(low or 1.0)
    return low, high


def _resting(plant: Plant) -> dict[str, Course]:
    found: dict[str, Course] = {}
    for interlock in plant.interlocks:
        conditions: list[tuple[Condition | None, bool]] = [(effect, False) for effect in interlock.effects]
        conditions += [(interlock.armed_when, True), (interlock.bypassed_when, False)]
        for condition, holds in conditions:
            if condition is not None and condition.equals is not None:
                found[condition.tag] = Still(_value(condition, holds))
    return found


def _value(condition: Condition, holds: bool) -> float:
    wanted = condition.equals or 0.0
    return wanted if holds else float(not wanted)
