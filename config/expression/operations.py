"""What a bound expression is made of: the operations that the kernels know, on values of three kinds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Kind(Enum):
    """What a value is: a number, true or false, or a length of time."""

    NUMBER = "number"
    TRUTH = "truth"
    TIME = "time"


class Op(IntEnum):
    """One step of a computation; `filters.series.operations` says what each does."""

    LOAD = 1
    CONSTANT = 2
    STORE = 3
    ADD = 10
    SUBTRACT = 11
    MULTIPLY = 12
    DIVIDE = 13
    SMALLER = 14
    LARGER = 15
    BELOW = 16
    AT_MOST = 17
    ABOVE = 18
    AT_LEAST = 19
    EQUAL = 20
    UNEQUAL = 21
    NEGATE = 30
    ABSOLUTE = 31
    NOT = 32
    AND = 40
    OR = 41
    TALLY = 42
    PROVEN_VOTES = 43
    SUSPECTED_VOTES = 44
    IS_BAD = 50
    AGE = 51
    EWMA = 60
    ON_FOR = 61
    OFF_FOR = 62
    DEBOUNCE = 63
    STUCK = 64
    EDGES = 65
    MEAN_OVER = 70
    LEAST_OVER = 71
    MOST_OVER = 72
    RATE = 73
    INCREASE = 74


KEEPS_SAMPLES = frozenset((Op.MEAN_OVER, Op.LEAST_OVER, Op.MOST_OVER, Op.RATE, Op.INCREASE))
"""The operations that remember every sample of a window."""

FILLING_SPANS = {Op.RATE: 1}
"""For how many of its time spans an operation is Bad at first, until its window spans what it should."""

DELAY_SPANS = {
    Op.EWMA: 3,
    Op.ON_FOR: 1,
    Op.OFF_FOR: 1,
    Op.DEBOUNCE: 1,
    Op.STUCK: 1,
    Op.MEAN_OVER: 1,
    Op.LEAST_OVER: 1,
    Op.MOST_OVER: 1,
    Op.RATE: 1,
}
"""How many of its time spans an operation needs until a step of its input is through (of an EWMA: 95 %)."""

MEMORY_SPANS = DELAY_SPANS | {Op.INCREASE: 1}
"""How many of its time spans ago what an operation gives may still rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number that never changes; a truth is 0 or 1, a length of time seconds."""

    number: float
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a tag or another series says now."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """An operation on its inputs; `number` and `span_ns` are what else it needs."""

    op: Op
    inputs: tuple[Bound, ...]
    kind: Kind
    number: float = 0.0
    span_ns: int = 0


Bound = Constant | Input | Apply


def inputs_of(bound: Bound) -> tuple[str, ...]:
    """Return the names that an expression looks at, each once, from left to right."""
    return tuple(dict.fromkeys(part.name for part in parts_of(bound) if isinstance(part, Input)))


def parts_of(bound: Bound) -> list[Bound]:
    """Return an expression and all its parts, each behind its inputs."""
    found = [part for inner in bound.inputs for part in parts_of(inner)] if isinstance(bound, Apply) else []
    return [*found, bound]
