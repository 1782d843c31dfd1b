"""The operations of derived series that remember: each takes every usable sample of its input once.

Time in which the input is Bad does not count: nobody knows what was so then.

Plain Python that `filters.kernels` compiles, as `filters.arithmetic`.
"""

from __future__ import annotations

import math
from typing import Final

from config.expression.operations import Op
from config.vocabulary import FLAGS_MASK
from filters.layout import LONG_AGO, NEVER, Float64s, Int64s, Row
from filters.series.registers import BAD_FLOOR, FILLING, sampled_ns

EWMA: Final = int(Op.EWMA)
ON_FOR: Final = int(Op.ON_FOR)
OFF_FOR: Final = int(Op.OFF_FOR)
DEBOUNCE: Final = int(Op.DEBOUNCE)
EDGES: Final = int(Op.EDGES)
MEAN_OVER: Final = int(Op.MEAN_OVER)
LEAST_OVER: Final = int(Op.LEAST_OVER)
MOST_OVER: Final = int(Op.MOST_OVER)
RATE: Final = int(Op.RATE)
INCREASE: Final = int(Op.INCREASE)


def is_new(step: Row, one: Row) -> bool:
    """Tell whether an input has a usable sample that this step has not taken, and take note of it.

    Where it rests on several, one of them that is no newer than another shows in the oldest, or in the value.
    """
    if one["quality"] >= BAD_FLOOR:
        return False
    times = one["newest_ns"] == step["seen_ns"] and one["oldest_ns"] == step["seen_oldest_ns"]
    if times and one["value"] == step["seen"]:
        return False
    step["seen_ns"] = one["newest_ns"]
    step["seen_oldest_ns"] = one["oldest_ns"]
    step["seen"] = one["value"]
    return True


def sees(step: Row, at_ns: int) -> bool:
    """Tell whether an operation has a usable input, and prolong what it waits for if it had none."""
    if step["quality"] >= BAD_FLOOR:
        step["blind_ns"] = min(step["blind_ns"], at_ns)
        return False
    if step["blind_ns"] != NEVER:
        blind_ns = at_ns - step["blind_ns"]
        step["blind_ns"] = NEVER
        if step["since_ns"] != NEVER and step["since_ns"] != LONG_AGO:
            step["since_ns"] += blind_ns
        if step["op"] == INCREASE and blind_ns >= step["span_ns"]:
            step["seen_ns"] = LONG_AGO
            step["held"] = 0
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
    """Delay a truth: its rise (IEC 61131-3 TON), its fall (TOF), or both; `kept` is what it gives."""
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


def stick(step: Row, one: Row, armed: Row) -> None:
    """Tell whether an input has not moved by more than `number` for `span_ns` while it was armed."""
    new = is_new(step, one)
    moved = new and not abs(one["value"] - step["kept"]) <= step["number"]
    if armed["value"] == 0.0:
        step["since_ns"] = NEVER
    elif moved or step["since_ns"] in (NEVER, LONG_AGO):
        step["kept"] = one["value"]
        step["since_ns"] = one["newest_ns"]
    is_stuck = step["since_ns"] <= one["newest_ns"] - step["span_ns"]
    step["value"] = 1.0 if is_stuck else 0.0
    step["shown"] = step["value"]


def count_edges(step: Row, one: Row) -> None:
    """Count how often a truth has risen since the start; `kept` is what it was."""
    first = step["seen_ns"] == LONG_AGO
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
    """Give by how much a counter went up in the last `span_ns`; as long out of sight, it begins anew.

    `number`: where it wraps; 0: it restarts at 0. The ring holds running totals, `kept` the last count.
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
