"""How a value moves while nobody is there: functions of the time alone, in engineering units.

A course is spelled as in a scenario file or behind `--value TAG=`: a number or a text that stands still, or a
shape with its bounds, such as `sine:0.2..0.3,period=30s`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from agent.simulate.values import Value
from config.faults import WrongValue
from config.text import text
from config.units import parse_duration_ns
from config.wording import unknown

Course = Callable[[float], Value]
"""Seconds since the start, to a tag's value in engineering units."""

DEFAULT_PERIOD_S: Final = 20.0

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,20}", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?|nan", re.ASCII)
_BOUNDS: Final = re.compile(r"(?P<low>[^,]+?)\.\.(?P<high>[^,]+)")
_TRUTHS: Final = {"true": True, "false": False}


class Shape(StrEnum):
    """One way to move between two bounds.

    `ramp`: up during a period, then from below again. `walk`: smoothly to another place at random every
    period. `step`: low for one period, high ever after. `square`: low and high for half a period each.
    """

    RAMP = "ramp"
    SINE = "sine"
    WALK = "walk"
    STEP = "step"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Still:
    """A value that stands still."""

    value: Value

    def __call__(self, _: float) -> Value:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """A value between `low` and `high`; `seed` is what `walk` and the phase of everything depend on."""

    shape: Shape
    low: float
    high: float
    period_s: float = DEFAULT_PERIOD_S
    seed: str = ""

    def __call__(self, seconds: float) -> float:
        """Return the value at a time."""
        return self.low + (self.high - self.low) * self._share(seconds / self.period_s)

    def _share(self, periods: float) -> float:
        match self.shape:
            case Shape.RAMP:
                return periods % 1
            case Shape.SINE:
                return (1 + math.sin(2 * math.pi * (periods + self._chance(0)))) / 2
            case Shape.STEP:
                return float(periods >= 1)
            case Shape.SQUARE:
                return float(periods % 1 >= 0.5)
            case Shape.WALK:
                at = periods % 1
                smooth = at * at * (3 - 2 * at)
                here, there = self._chance(math.floor(periods)), self._chance(math.floor(periods) + 1)
                return here + (there - here) * smooth

    def _chance(self, number: int) -> float:
        """Return a number from 0 to 1 that depends on the seed and `number` alone."""
        drawn = blake2b(f"{self.seed}/{number}".encode(), digest_size=4).digest()
        return int.from_bytes(drawn) / 0xFFFFFFFF


def parse_course(spelling: str, seed: str) -> Course:
    """Return the course that is spelled. Raises WrongValue."""
    name, colon, rest = spelling.strip().partition(":")
    if not colon:
        return Still(_number(spelling))
    if name not in list(Shape):
        raise WrongValue(unknown(text("shape"), name, list(Shape)))
    bounds, _, more = rest.partition(",")
    found = _BOUNDS.fullmatch(bounds.strip())
    if found is None:
        raise WrongValue(
            text(
                '"{found}" does not say between what; write for example {example}',
                found=spelling,
                example=f"{name}:0..100,period=30s",
            )
        )
    return Moving(
        shape=Shape(name),
        low=float(_number(found["low"])),
        high=float(_number(found["high"])),
        period_s=_period_s(more),
        seed=seed,
    )


def _period_s(spelling: str) -> float:
    if not spelling.strip():
        return DEFAULT_PERIOD_S
    key, equals, duration = spelling.partition("=")
    if key.strip() != "period" or not equals:
        raise WrongValue(text('"{found}" is unknown here; write for example period=30s', found=spelling))
    found_s = parse_duration_ns(duration) / 1e9
    if found_s <= 0:
        raise WrongValue(text("a period is longer than nothing; write for example 30s"))
    return found_s


def _number(spelling: str) -> float:
    plain = spelling.strip().lower()
    if plain in _TRUTHS:
        return _TRUTHS[plain]
    if _INTEGER.fullmatch(plain):
        return int(plain)
    if _NUMBER.fullmatch(plain):
        return float(plain)
    raise WrongValue(
        text(
            '"{found}" is not a value; write a number, true, false, or for example sine:0..100,period=30s',
            found=spelling.strip(),
        )
    )
