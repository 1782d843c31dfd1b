"""What every step of a derived series gives: a value, its quality, and the sample times that it rests on.

Plain Python that `filters.kernels` compiles, as `filters.arithmetic`.
"""

from __future__ import annotations

import math
from typing import Final

from config.vocabulary import FLAGS_MASK, Reason, bad, uncertain
from filters.layout import LONG_AGO, Row

BAD_FLOOR: Final = bad(Reason.NONE)
UNCERTAIN_FLOOR: Final = uncertain(Reason.NONE)
BAD_INPUT: Final = bad(Reason.INPUT)
NOT_A_NUMBER: Final = bad(Reason.NOT_A_NUMBER)
FILLING: Final = bad(Reason.FILLING)
UNCERTAIN_INPUT: Final = uncertain(Reason.INPUT)
SKEWED: Final = uncertain(Reason.SKEW)


def worse(first: int, second: int) -> int:
    """Return the quality of what rests on two inputs."""
    flags = (first | second) & FLAGS_MASK
    if first >= BAD_FLOOR:
        return first | flags
    if second >= BAD_FLOOR:
        return second | flags
    return (first if first >= UNCERTAIN_FLOOR else second) | flags


def take_over(step: Row, one: Row) -> None:
    """Give quality and times of one input."""
    step["quality"] = one["quality"]
    step["oldest_ns"] = one["oldest_ns"]
    step["newest_ns"] = one["newest_ns"]


def take_both(step: Row, first: Row, second: Row) -> None:
    """Give quality and times of two inputs."""
    step["quality"] = worse(first["quality"], second["quality"])
    step["oldest_ns"] = min(first["oldest_ns"], second["oldest_ns"])
    step["newest_ns"] = max(first["newest_ns"], second["newest_ns"])


def as_of(step: Row, oldest_ns: int, newest_ns: int) -> None:
    """Give Good, and these times."""
    step["quality"] = 0
    step["oldest_ns"] = oldest_ns
    step["newest_ns"] = newest_ns


def sampled_ns(one: Row, at_ns: int) -> int:
    """Return when the newest sample of an input was taken; now, where it rests on none."""
    newest_ns: int = one["newest_ns"]
    return at_ns if newest_ns == LONG_AGO else min(newest_ns, at_ns)


def settle(step: Row) -> None:
    """See to it that the value is NaN exactly where it is Bad, and that `shown` is a number elsewhere."""
    if step["quality"] < BAD_FLOOR and not math.isfinite(step["value"]):
        step["quality"] = NOT_A_NUMBER | (step["quality"] & FLAGS_MASK)
    if step["quality"] >= BAD_FLOOR:
        step["value"] = math.nan
        step["shown"] = math.nan
    elif not math.isfinite(step["shown"]):
        step["shown"] = step["value"]
