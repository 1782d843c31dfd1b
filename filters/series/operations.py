"""What the kernels compute of derived series: one step at a time, each after those that it rests on.

Every step gives a value, its quality, the span of sample times that it rests on, and what it would give
without any smoothing (`shown`), by which an excursion is dated. The rules of quality:

* A Bad input makes a Bad result, for reason INPUT; an Uncertain one an Uncertain result, for its reason. Flags
  are united.
* `and` with a usable false, `or` with a usable true: that decides, whatever the other is.
* `proven_votes`: a Bad input might be either; the result is Bad where that decides. `votes`: a Bad input votes
  for the alarm; where that decides, the result is Uncertain, INPUT.
* `bad(x)` and `age(x)` are Good whatever x is.
* A result that is no finite number is Bad, NOT_A_NUMBER. A rate is Bad, FILLING, until it spans its window.
* What remembers samples takes each once, and no Bad one.

As `filters.arithmetic`, this is plain Python that `filters.kernels` compiles.
"""

from __future__ import annotations

import math
from typing import Final

from config.expression.operations import Op
from config.vocabulary import FLAGS_MASK, Reason, bad, uncertain
from filters.layout import LONG_AGO, NEVER, Float64s, Int64s, Row, Table, Uint32s

BAD_FLOOR: Final = bad(Reason.NONE)
UNCERTAIN_FLOOR: Final = uncertain(Reason.NONE)
BAD_INPUT: Final = bad(Reason.INPUT)
NOT_A_NUMBER: Final = bad(Reason.NOT_A_NUMBER)
FILLING: Final = bad(Reason.FILLING)
UNCERTAIN_INPUT: Final = uncertain(Reason.INPUT)
SKEWED: Final = uncertain(Reason.SKEW)

LOAD: Final = int(Op.LOAD)
CONSTANT: Final = int(Op.CONSTANT)
STORE: Final = int(Op.STORE)
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
UNEQUAL: Final = int(Op.UNEQUAL)
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
EWMA: Final = int(Op.EWMA)
ON_FOR: Final = int(Op.ON_FOR)
OFF_FOR: Final = int(Op.OFF_FOR)
DEBOUNCE: Final = int(Op.DEBOUNCE)
STUCK: Final = int(Op.STUCK)
EDGES: Final = int(Op.EDGES)
MEAN_OVER: Final = int(Op.MEAN_OVER)
LEAST_OVER: Final = int(Op.LEAST_OVER)
MOST_OVER: Final = int(Op.MOST_OVER)
RATE: Final = int(Op.RATE)
INCREASE: Final = int(Op.INCREASE)


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
    if op == BELOW:
        return 1.0 if left < right else 0.0
    if op == AT_MOST:
        return 1.0 if left <= right else 0.0
    if op == ABOVE:
        return 1.0 if left > right else 0.0
    if op == AT_LEAST:
        return 1.0 if left >= right else 0.0
    if op == EQUAL:
        return 1.0 if left == right else 0.0
    return 1.0 if left != right else 0.0


def of_one(op: int, number: float) -> float:
    """Return an operation on one number."""
    if op == NEGATE:
        return -number
    if op == ABSOLUTE:
        return abs(number)
    return 1.0 - number


def load(step: Row, scaled: Float64s, value: Float64s, quality: Uint32s, boot_ns: Int64s) -> None:
    """Take the newest reading of a tag; why it is Bad is for the tag itself to say."""
    tag = step["left"]
    word = int(quality[tag])
    step["quality"] = word if word < BAD_FLOOR else BAD_INPUT | (word & FLAGS_MASK)
    step["value"] = value[tag]
    step["shown"] = scaled[tag]
    step["oldest_ns"] = boot_ns[tag]
    step["newest_ns"] = boot_ns[tag]


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
    """Tell whether enough have voted; see the top of this file for the Bad ones."""
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


def is_new(step: Row, one: Row) -> bool:
    """Tell whether an input has a usable sample that this step has not taken, and take note of it."""
    if one["quality"] >= BAD_FLOOR or one["newest_ns"] == step["seen_ns"]:
        return False
    step["seen_ns"] = one["newest_ns"]
    return True


def smooth(step: Row, one: Row) -> None:
    """Follow the input as a first-order lag with the time constant `span_ns` (exact for a held input)."""
    first = step["seen_ns"] == LONG_AGO
    before_ns = step["seen_ns"]
    if is_new(step, one):
        if first:
            step["kept"] = one["value"]
        else:
            share = 1.0 - math.exp(-(one["newest_ns"] - before_ns) / step["span_ns"])
            step["kept"] += share * (one["value"] - step["kept"])
    step["value"] = step["kept"]


def wait(step: Row, one: Row, at_ns: int) -> None:
    """Delay a truth: its rise (IEC 61131-3 TON), its fall (TOF), or both; `kept` is the state, then 0 or 1."""
    now = one["value"]
    op = step["op"]
    if step["since_ns"] == LONG_AGO:
        step["kept"] = now if op == DEBOUNCE else 0.0
        step["since_ns"] = NEVER
    at_once = (op == ON_FOR and now == 0.0) or (op == OFF_FOR and now == 1.0)
    if now == step["kept"]:
        step["since_ns"] = NEVER
    elif at_once:
        step["kept"] = now
        step["since_ns"] = NEVER
    else:
        if step["since_ns"] == NEVER:
            step["since_ns"] = sampled_ns(one, at_ns)
        if at_ns - step["since_ns"] >= step["span_ns"]:
            step["kept"] = now
            step["since_ns"] = NEVER
    step["value"] = step["kept"]


def stick(step: Row, one: Row, armed: Row, at_ns: int) -> None:
    """Tell whether an input has not moved by more than `number` for `span_ns` while it was armed."""
    new = is_new(step, one)
    if armed["value"] == 0.0 or step["since_ns"] == LONG_AGO:
        step["kept"] = one["value"]
        step["since_ns"] = at_ns
    elif new and not abs(one["value"] - step["kept"]) <= step["number"]:
        step["kept"] = one["value"]
        step["since_ns"] = one["newest_ns"]
    step["value"] = 1.0 if one["newest_ns"] - step["since_ns"] >= step["span_ns"] else 0.0
    step["shown"] = step["value"]


def count_edges(step: Row, one: Row) -> None:
    """Count how often a truth has risen since the start; `kept` is what it was."""
    first = step["seen_ns"] == LONG_AGO
    if first:
        step["value"] = 0.0
        step["held"] = 0
    if is_new(step, one):
        if not first and one["value"] == 1.0 and step["kept"] == 0.0:
            step["held"] += 1
        step["kept"] = one["value"]
    step["value"] = float(step["held"])
    step["shown"] = step["value"]


def put(step: Row, ring: Float64s, ring_ns: Int64s, number: float, sampled_ns: int) -> None:
    """Remember one sample; where the ring is full, the oldest goes."""
    room = step["end_sample"] - step["first_sample"]
    place = step["first_sample"] + step["head"]
    ring[place] = number
    ring_ns[place] = sampled_ns
    step["head"] = (step["head"] + 1) % room
    step["held"] = min(step["held"] + 1, room)


def place_of(step: Row, age: int) -> int:
    """Return where in the ring the sample lies behind which `age` newer ones lie."""
    room = step["end_sample"] - step["first_sample"]
    return int(step["first_sample"] + (step["head"] - 1 - age) % room)


def forget(step: Row, ring_ns: Int64s, before_ns: int, spare: int) -> None:
    """Forget the samples up to `before_ns`, but for the `spare` newest of them."""
    held = step["held"]
    while held > spare and ring_ns[place_of(step, held - 1 - spare)] <= before_ns:
        held -= 1
    step["held"] = held


def over_window(step: Row, one: Row, ring: Float64s, ring_ns: Int64s) -> None:
    """Give mean, least or most of the usable samples of the last `span_ns` (half-open: the newest counts)."""
    if is_new(step, one):
        put(step, ring, ring_ns, one["value"], one["newest_ns"])
    forget(step, ring_ns, one["newest_ns"] - step["span_ns"], 0)
    op = step["op"]
    found = one["value"]
    total = 0.0
    for age in range(step["held"] - 1, -1, -1):
        number = ring[place_of(step, age)]
        total += number
        if (op == LEAST_OVER and number < found) or (op == MOST_OVER and number > found):
            found = number
    step["value"] = total / step["held"] if op == MEAN_OVER else found


def slope(step: Row, one: Row, ring: Float64s, ring_ns: Int64s) -> None:
    """Give the change per `number` seconds since the newest sample that is `span_ns` old or older."""
    if is_new(step, one):
        put(step, ring, ring_ns, one["value"], one["newest_ns"])
    newest_ns = one["newest_ns"]
    forget(step, ring_ns, newest_ns - 2 * step["span_ns"], 0)
    forget(step, ring_ns, newest_ns - step["span_ns"], 1)
    oldest = place_of(step, max(step["held"], 1) - 1)
    elapsed_ns = newest_ns - ring_ns[oldest]
    if elapsed_ns < step["span_ns"]:
        step["quality"] = FILLING | (step["quality"] & FLAGS_MASK)
    else:
        step["value"] = (one["value"] - ring[oldest]) / (elapsed_ns / 1e9) * step["number"]
    step["shown"] = step["value"]


def grow(step: Row, one: Row, ring: Float64s, ring_ns: Int64s) -> None:
    """Give by how much a counter went up in the last `span_ns`; `number`: where it wraps, 0: it restarts at 0.

    The ring holds running totals, `kept` the last count.
    """
    total = ring[place_of(step, 0)] if step["held"] > 0 else 0.0
    first = step["seen_ns"] == LONG_AGO
    if is_new(step, one):
        up = one["value"] - step["kept"]
        if up < 0.0:
            up = up + step["number"] if step["number"] > 0.0 else one["value"]
        total = 0.0 if first else total + up
        step["kept"] = one["value"]
        put(step, ring, ring_ns, total, one["newest_ns"])
    forget(step, ring_ns, one["newest_ns"] - step["span_ns"], 1)
    step["value"] = total - ring[place_of(step, step["held"] - 1)]
    step["shown"] = step["value"]


def remember(step: Row, one: Row, ring: Float64s, ring_ns: Int64s, at_ns: int) -> None:
    """Run an operation that has a memory, on an input that is usable."""
    op = step["op"]
    step["shown"] = one["shown"]
    if op == EWMA:
        smooth(step, one)
    elif op in (ON_FOR, OFF_FOR, DEBOUNCE):
        wait(step, one, at_ns)
    elif op == EDGES:
        count_edges(step, one)
    elif op == RATE:
        slope(step, one, ring, ring_ns)
    elif op == INCREASE:
        grow(step, one, ring, ring_ns)
    else:
        over_window(step, one, ring, ring_ns)


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
    elif op == AND:
        connect(step, one, steps[step["right"]], 0.0)
    elif op == OR:
        connect(step, one, steps[step["right"]], 1.0)
    elif step["right"] >= 0:
        other = steps[step["right"]]
        take_both(step, one, other)
        if op == STUCK:
            if step["quality"] < BAD_FLOOR:
                stick(step, one, other, at_ns)
        else:
            step["value"] = of_two(op, one["value"], other["value"])
            step["shown"] = of_two(op, one["shown"], other["shown"])
    else:
        take_over(step, one)
        if op in (NEGATE, ABSOLUTE, NOT):
            step["value"] = of_one(op, one["value"])
            step["shown"] = of_one(op, one["shown"])
        elif step["quality"] < BAD_FLOOR:
            remember(step, one, ring, ring_ns, at_ns)


def settle(step: Row) -> None:
    """See to it that a value is NaN exactly where it is Bad, and that what was shown is a number elsewhere."""
    if step["quality"] < BAD_FLOOR and not math.isfinite(step["value"]):
        step["quality"] = NOT_A_NUMBER | (step["quality"] & FLAGS_MASK)
    if step["quality"] >= BAD_FLOOR:
        step["value"] = math.nan
        step["shown"] = math.nan
    elif not math.isfinite(step["shown"]):
        step["shown"] = step["value"]


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
    tag = step["right"]
    word = one["quality"]
    oldest_ns = min(one["oldest_ns"], at_ns)
    if word < UNCERTAIN_FLOOR and max(one["newest_ns"], oldest_ns) - oldest_ns > step["span_ns"]:
        word = SKEWED | word
    if word != int(quality[tag]):
        quality[tag] = word
        since_boot_ns[tag] = at_ns
    raw[tag] = one["shown"]
    scaled[tag] = one["shown"]
    value[tag] = one["value"]
    boot_ns[tag] = oldest_ns


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
