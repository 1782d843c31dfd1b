"""What a tag does where nobody says otherwise: an ordinary day, without alarms and demands."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from agent.simulate.course import DEFAULT_PERIOD_S, Course, Moving, Shape, Still
from agent.simulate.rest import Rest
from config.expression.operations import Op
from config.plant import Plant
from config.tags import Tag, ValueType

_SPAN: Final = (0.0, 100.0)
_MARGIN: Final = 0.2  # of the span between the limits, to either side
_SHARES: Final = (0.5, 0.3, 0.7, 0.1, 0.9)
_DRAWS: Final = 40
_OF_CHANGE: Final = (Op.RATE, Op.INCREASE, Op.EDGES)


def habits(plant: Plant, seed: int) -> dict[str, Course]:
    """Return a course for every tag.

    What a rule looks at is at rest: no alarm is met and no interlock demanded; these are armed where they can
    be, with no effect seen and no bypass. Other bools change, as often as a sign of life must; texts and
    enumerations stand still; numbers walk well between their limits, else within their range; others count
    up. What a rule looks at moves, too, where it is a number and that demands nothing.
    """
    free = {tag.tag: _habit(tag, f"{seed}/{tag.tag}") for tag in plant.tags}
    rest = Rest(plant)
    described = {tag: plant.signal(tag) for tag in rest.tags}
    values = rest.found({name: _candidates(tag, rest) for name, tag in described.items()})
    moving = _moving(rest, free, values)
    at_rest = {name: Still(value) for name, value in values.items() if name not in moving}
    return {**free, **at_rest}


def _moving(rest: Rest, free: Mapping[str, Course], values: Mapping[str, float]) -> set[str]:
    """Return the numbers that may move as they do on any day: whatever they are then, nothing is demanded."""
    walks = {tag: free[tag] for tag in rest.tags}
    ways = {tag: way for tag, way in walks.items() if isinstance(way, Moving) and way.shape is Shape.WALK}
    moving = ways.keys() - rest.under(_OF_CHANGE)
    known = len(rest.unmet(values))
    random = Random(0)
    for _ in range(_DRAWS):
        drawn = {tag: random.uniform(ways[tag].low, ways[tag].high) for tag in sorted(moving)}
        unmet = rest.unmet({**values, **drawn})
        if len(unmet) > known:
            moving -= {tag for want in unmet for tag in want.tags}
    return moving | (ways.keys() & rest.under([Op.STUCK]))


def _candidates(tag: Tag, rest: Rest) -> list[float]:
    """Return the values that a tag may rest at, the likeliest first."""
    if tag.enum:
        return [code * tag.scale + tag.offset for code in tag.enum]
    if tag.type is ValueType.BOOL:
        return [0.0, 1.0]
    bottom, top = _bounds(tag)
    span = top - bottom
    beside = (number + share * span for number in rest.numbers_beside(tag.tag) for share in (0, 0.1, -0.1))
    inside = [bottom + share * span for share in _SHARES]
    return inside + [number for number in sorted(beside) if bottom <= number <= top]


def _habit(tag: Tag, seed: str) -> Course:
    if tag.type.is_text:
        return Still(tag.tag)
    if tag.enum:
        return Still(next(iter(tag.enum)) * tag.scale + tag.offset)
    if tag.type is ValueType.BOOL:
        period_s = DEFAULT_PERIOD_S if tag.toggle_within is None else tag.toggle_within / 1e9
        return Moving(shape=Shape.SQUARE, low=0, high=1, period_s=period_s, seed=seed)
    bottom, top = _bounds(tag)
    if not tag.limits and None in (tag.range_low, tag.range_high):
        return Moving(shape=Shape.RAMP, low=bottom, high=top, period_s=_SPAN[1], seed=seed)
    margin = _MARGIN * (top - bottom)
    return Moving(shape=Shape.WALK, low=bottom + margin, high=top - margin, seed=seed)


def _bounds(tag: Tag) -> tuple[float, float]:
    """Return between what a number stays: its limits, else its range, else anything."""
    if not tag.limits and None in (tag.range_low, tag.range_high):
        return _SPAN
    below = [limit for name, limit in tag.limits.items() if name in ("LL", "L")]
    above = [limit for name, limit in tag.limits.items() if name in ("H", "HH")]
    return _between(max(below, default=tag.range_low), min(above, default=tag.range_high))


def _between(low: float | None, high: float | None) -> tuple[float, float]:
    """Return both bounds; where one is missing, as far away as the other is from 0."""
    if low is None:
        low = (high or 0.0) - abs(high or 1.0)
    if high is None:
        high = low + abs(low or 1.0)
    return low, high
