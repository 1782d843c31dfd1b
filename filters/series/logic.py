"""The operations of derived series that remember nothing.

Plain Python that `filters.kernels` compiles, as `filters.arithmetic`.
"""

from __future__ import annotations

import math
from typing import Final

from config.expression.operations import Op
from config.vocabulary import FLAGS_MASK
from filters.layout import LONG_AGO, NEVER, Row, Table
from filters.series.registers import BAD_FLOOR, BAD_INPUT, UNCERTAIN_INPUT, as_of, take_both, take_over

ADD: Final = int(Op.ADD)
SUBTRACT: Final = int(Op.SUBTRACT)
MULTIPLY: Final = int(Op.MULTIPLY)
DIVIDE: Final = int(Op.DIVIDE)
SMALLER: Final = int(Op.SMALLER)
LARGER: Final = int(Op.LARGER)
BELOW: Final = int(Op.BELOW)
AT_MOST: Final = int(Op.AT_MOST)
ABOVE: Final = int(Op.ABOVE)
AT_LEAST: Final = int(Op.AT_LEAST)
EQUAL: Final = int(Op.EQUAL)
NEGATE: Final = int(Op.NEGATE)
ABSOLUTE: Final = int(Op.ABSOLUTE)
SUSPECTED_VOTES: Final = int(Op.SUSPECTED_VOTES)
IS_BAD: Final = int(Op.IS_BAD)


def compare(op: int, left: float, right: float) -> bool:
    """Tell whether two numbers compare as asked."""
    if op == BELOW:
        return left < right
    if op == AT_MOST:
        return left <= right
    if op == ABOVE:
        return left > right
    if op == AT_LEAST:
        return left >= right
    if op == EQUAL:
        return left == right
    return left != right


def of_two(op: int, left: float, right: float) -> float:
    """Return an operation on two numbers; NaN where there is no result."""
    if op == ADD:
        return left + right
    if op == SUBTRACT:
        return left - right
    if op == MULTIPLY:
        return left * right
    if op == DIVIDE:
        return left / right if right != 0.0 else math.nan
    if op == SMALLER:
        return min(left, right)
    if op == LARGER:
        return max(left, right)
    return 1.0 if compare(op, left, right) else 0.0


def of_one(op: int, number: float) -> float:
    """Return an operation on one number."""
    if op == NEGATE:
        return -number
    if op == ABSOLUTE:
        return abs(number)
    return 1.0 - number


def connect(step: Row, first: Row, second: Row, decides: float) -> None:
    """Join two truths by `and` (a false decides) or `or` (a true decides); Kleene's three-valued logic."""
    first_decides = first["quality"] < BAD_FLOOR and first["value"] == decides
    second_decides = second["quality"] < BAD_FLOOR and second["value"] == decides
    if first_decides and not (second_decides and second["quality"] < first["quality"]):
        take_over(step, first)
        step["value"] = decides
    elif second_decides:
        take_over(step, second)
        step["value"] = decides
    else:
        take_both(step, first, second)
        step["value"] = 1.0 - decides
    either = (first["quality"] < BAD_FLOOR and first["shown"] == decides) or (
        second["quality"] < BAD_FLOOR and second["shown"] == decides
    )
    step["shown"] = decides if either else 1.0 - decides


def tally(step: Row, steps: Table, vote: Row) -> None:
    """Count votes: `value` of usable trues, `kept` with every Bad one among them."""
    as_of(step, NEVER, LONG_AGO)
    trues, suspected, shown = 0.0, 0.0, 0.0
    if step["right"] >= 0:
        before = steps[step["right"]]
        take_over(step, before)
        trues, suspected, shown = before["value"], before["kept"], before["shown"]
    usable = vote["quality"] < BAD_FLOOR
    if usable:
        take_both(step, vote, step)
    elif step["newest_ns"] == LONG_AGO:
        as_of(step, vote["oldest_ns"], vote["newest_ns"])
    step["value"] = trues + (vote["value"] if usable else 0.0)
    step["kept"] = suspected + (vote["value"] if usable else 1.0)
    step["shown"] = shown + (vote["shown"] if usable else 0.0)


def judge_votes(step: Row, count: Row) -> None:
    """Tell whether enough have voted; `filters.series.operations` says what a Bad vote is worth."""
    take_over(step, count)
    needed = step["number"]
    suspected = step["op"] == SUSPECTED_VOTES
    undecided = count["value"] < needed <= count["kept"]
    step["value"] = 1.0 if count["value"] >= needed or (undecided and suspected) else 0.0
    step["shown"] = 1.0 if count["shown"] >= needed or (undecided and suspected) else 0.0
    if undecided:
        step["quality"] = (UNCERTAIN_INPUT if suspected else BAD_INPUT) | (count["quality"] & FLAGS_MASK)


def examine(step: Row, one: Row, at_ns: int) -> None:
    """Tell of any input whether it is Bad, or how many seconds ago a usable sample of it was taken."""
    usable = one["quality"] < BAD_FLOOR
    as_of(step, at_ns, at_ns)
    if step["op"] == IS_BAD:
        step["value"] = 0.0 if usable else 1.0
    else:
        if usable:
            step["since_ns"] = min(one["oldest_ns"], at_ns)
        elif step["since_ns"] == LONG_AGO:
            step["since_ns"] = at_ns
        step["value"] = (at_ns - step["since_ns"]) / 1e9
    step["shown"] = step["value"]
