"""What the kernels compute of derived series: one step at a time, each after those that it rests on.

Every step gives a value, its quality, the span of sample times that it rests on, and what it would give
without any smoothing (`shown`), by which an excursion is dated. The rules of quality:

* A Bad input makes a Bad result, for reason INPUT; an Uncertain one an Uncertain result, for its reason.
  Flags are united.
* `and` with a usable false, `or` with a usable true: that decides, whatever the other is.
* `proven_votes`: a Bad input might be either; the result is Bad where that decides. `votes`: a Bad input
  votes for the alarm; where that decides, the result is Uncertain, INPUT.
* `bad(x)` and `age(x)` are Good whatever x is.
* A result that is no finite number is Bad, NOT_A_NUMBER. A rate is Bad, FILLING, until it spans its window.
* What remembers samples takes each once, and no Bad one. Time in which an input is Bad does not count.

As `filters.arithmetic`, this is plain Python that `filters.kernels` compiles.
"""

from __future__ import annotations

from typing import Final

from config.expression.operations import Op
from config.vocabulary import FLAGS_MASK
from filters.layout import Float64s, Int64s, Row, Table, Uint32s
from filters.series.logic import connect, examine, judge_votes, of_one, of_two, tally
from filters.series.memory import remember, sees, stick
from filters.series.registers import (
    BAD_FLOOR,
    BAD_INPUT,
    SKEWED,
    UNCERTAIN_FLOOR,
    settle,
    take_both,
    take_over,
)

LOAD: Final = int(Op.LOAD)
CONSTANT: Final = int(Op.CONSTANT)
STORE: Final = int(Op.STORE)
NEGATE: Final = int(Op.NEGATE)
ABSOLUTE: Final = int(Op.ABSOLUTE)
NOT: Final = int(Op.NOT)
AND: Final = int(Op.AND)
OR: Final = int(Op.OR)
TALLY: Final = int(Op.TALLY)
PROVEN_VOTES: Final = int(Op.PROVEN_VOTES)
SUSPECTED_VOTES: Final = int(Op.SUSPECTED_VOTES)
IS_BAD: Final = int(Op.IS_BAD)
AGE: Final = int(Op.AGE)
STUCK: Final = int(Op.STUCK)


def load(step: Row, scaled: Float64s, value: Float64s, quality: Uint32s, boot_ns: Int64s) -> None:
    """Take the newest reading of a tag; why it is Bad is for the tag itself to say."""
    tag = step["left"]
    word = int(quality[tag])
    step["quality"] = word if word < BAD_FLOOR else BAD_INPUT | (word & FLAGS_MASK)
    step["value"] = value[tag]
    step["shown"] = scaled[tag]
    step["oldest_ns"] = boot_ns[tag]
    step["newest_ns"] = boot_ns[tag]


def store(
    step: Row,
    one: Row,
    raw: Float64s,
    scaled: Float64s,
    value: Float64s,
    quality: Uint32s,
    boot_ns: Int64s,
    since_boot_ns: Int64s,
    at_ns: int,
) -> None:
    """Write a result into the image as a virtual tag; Uncertain if its samples are too far apart."""
    take_over(step, one)
    step["value"] = one["value"]
    step["shown"] = one["shown"]
    oldest_ns = min(step["oldest_ns"], at_ns)
    if step["quality"] < UNCERTAIN_FLOOR and max(step["newest_ns"], oldest_ns) - oldest_ns > step["span_ns"]:
        step["quality"] = SKEWED | step["quality"]
    tag = step["right"]
    if step["quality"] != int(quality[tag]):
        quality[tag] = step["quality"]
        since_boot_ns[tag] = at_ns
    raw[tag] = step["shown"]
    scaled[tag] = step["shown"]
    value[tag] = step["value"]
    boot_ns[tag] = oldest_ns


def combine(step: Row, one: Row, other: Row, at_ns: int) -> None:
    """Run a step on two inputs."""
    op = step["op"]
    if op == AND:
        connect(step, one, other, 0.0)
    elif op == OR:
        connect(step, one, other, 1.0)
    else:
        take_both(step, one, other)
        if op != STUCK:
            step["value"] = of_two(op, one["value"], other["value"])
            step["shown"] = of_two(op, one["shown"], other["shown"])
        elif sees(step, at_ns):
            stick(step, one, other)


def run(step: Row, steps: Table, ring: Float64s, ring_ns: Int64s, at_ns: int) -> None:
    """Run one step that is neither LOAD nor STORE nor CONSTANT."""
    op = step["op"]
    one = steps[step["left"]]
    if op == TALLY:
        tally(step, steps, one)
    elif op in (PROVEN_VOTES, SUSPECTED_VOTES):
        judge_votes(step, one)
    elif op in (IS_BAD, AGE):
        examine(step, one, at_ns)
    elif step["right"] >= 0:
        combine(step, one, steps[step["right"]], at_ns)
    else:
        take_over(step, one)
        if op in (NEGATE, ABSOLUTE, NOT):
            step["value"] = of_one(op, one["value"])
            step["shown"] = of_one(op, one["shown"])
        elif sees(step, at_ns):
            remember(step, one, ring, ring_ns, at_ns)


def derive_group(
    group: Row,
    steps: Table,
    ring: Float64s,
    ring_ns: Int64s,
    raw: Float64s,
    scaled: Float64s,
    value: Float64s,
    quality: Uint32s,
    boot_ns: Int64s,
    since_boot_ns: Int64s,
    at_ns: int,
) -> None:
    """Compute the virtual tags of one group on what the image shows at `at_ns`, and write them into it.

    `raw` and `scaled` of a virtual tag are what it would be without smoothing; its `boot_ns` is the oldest
    sample that it rests on.
    """
    for number in range(group["first_step"], group["end_step"]):
        step = steps[number]
        if step["op"] == LOAD:
            load(step, scaled, value, quality, boot_ns)
        elif step["op"] == STORE:
            store(step, steps[step["left"]], raw, scaled, value, quality, boot_ns, since_boot_ns, at_ns)
        elif step["op"] != CONSTANT:
            run(step, steps, ring, ring_ns, at_ns)
            settle(step)
