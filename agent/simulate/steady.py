"""What an expression says of a plant whose values stand still: its windows are full, and nothing changes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Final

from config.expression.operations import Apply, Bound, Constant, Op

_OF_TWO: Final[Mapping[Op, Callable[[float, float], float]]] = {
    Op.ADD: operator.add,
    Op.SUBTRACT: operator.sub,
    Op.MULTIPLY: operator.mul,
    Op.DIVIDE: lambda left, right: left / right if right else math.nan,
    Op.SMALLER: min,
    Op.LARGER: max,
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.EQUAL: operator.eq,
    Op.UNEQUAL: operator.ne,
    Op.AND: lambda left, right: bool(left) and bool(right),
    Op.OR: lambda left, right: bool(left) or bool(right),
    Op.TALLY: operator.add,
}
_OF_ONE: Final[Mapping[Op, Callable[[float], float]]] = {
    Op.NEGATE: operator.neg,
    Op.ABSOLUTE: abs,
    Op.NOT: operator.not_,
}
_VOTES: Final = (Op.PROVEN_VOTES, Op.SUSPECTED_VOTES)
_OF_CHANGE: Final = (Op.IS_BAD, Op.AGE, Op.STUCK, Op.EDGES, Op.RATE, Op.INCREASE)
"""Nothing where all is well and nothing changes too much."""


def steady(bound: Bound, value_of: Callable[[str], float]) -> float:
    """Return the value, of a truth 0 or 1; NaN where it divides by 0. Other operations keep their input."""
    if isinstance(bound, Constant):
        return bound.number
    if not isinstance(bound, Apply):
        return value_of(bound.name)
    if bound.op in _OF_CHANGE:
        return 0.0
    given = [steady(part, value_of) for part in bound.inputs]
    if bound.op in _VOTES:
        return float(given[0] >= bound.number)
    if bound.op in _OF_TWO and len(given) > 1:
        return float(_OF_TWO[bound.op](given[0], given[1]))
    return float(_OF_ONE[bound.op](given[0])) if bound.op in _OF_ONE else given[0]
