"""What the kernels compute on readings: reporting by exception.

A *swinging door* (Bristol 1990, here with the stricter test that makes the bound hold for what is recorded):
the newest reading is held back as long as the straight line from the last recorded one to it passes every
reading between them within the deadband. When it does not, the one before is recorded after all.

Plain Python that `filters.kernels` compiles, as `filters.arithmetic`.
"""

from __future__ import annotations

import math
from typing import Final

from filters.layout import NEVER, Bools, Float64s, Int64s, Row, Table, Uint32s

RECORDED: Final = 3
BY_DEADBAND: Final = 0
BY_MIN_INTERVAL: Final = 1
BY_DOOR: Final = 2


def is_within(tag: Row, now: float) -> bool:
    """Tell whether a reading is as what was recorded last; a lasting Bad is, where there is a deadband.

    Asks for *not within the band*, so that a NaN never counts as unchanged.
    """
    both_bad = math.isnan(now) and math.isnan(tag["value"]) and tag["band"] >= 0
    return both_bad or bool(abs(now - tag["value"]) <= tag["band"])


def has_opened(tag: Row, now: float, at_ns: int) -> bool:
    """Tell whether the line to a reading passes one that is held back outside the band."""
    elapsed_ns = at_ns - tag["boot_ns"]
    moved = now - tag["value"]
    return not tag["low"] * elapsed_ns <= moved <= tag["high"] * elapsed_ns


def begin_line(tag: Row, value: float, at_ns: int) -> None:
    """Begin a line at a reading that is recorded; the door is wide open."""
    tag["value"] = value
    tag["boot_ns"] = at_ns
    tag["held"] = 0
    tag["low"] = -math.inf
    tag["high"] = math.inf
    tag["left_ns"] = NEVER


def hold_back(tag: Row, now: float, at_ns: int) -> None:
    """Hold a reading back; the door closes as far as the reading's band asks for."""
    elapsed_ns = max(1, at_ns - tag["boot_ns"])
    tag["low"] = max(tag["low"], (now - tag["band"] - tag["value"]) / elapsed_ns)
    tag["high"] = min(tag["high"], (now + tag["band"] - tag["value"]) / elapsed_ns)
    tag["held"] = 1
    tag["held_value"] = now
    tag["held_ns"] = at_ns


def swing(tag: Row, now: float, changed: bool, at_ns: int) -> bool:
    """Move the line on where a reading ends it; tell whether the one before must be recorded after all."""
    if tag["held"] == 0 or not (changed or has_opened(tag, now, at_ns)):
        return False
    begin_line(tag, tag["held_value"], tag["held_ns"])
    return True


def is_late(tag: Row, now: float, at_ns: int) -> bool:
    """Tell whether something beyond the deadband has been held back for `max_delay`, even if it came back."""
    if tag["left_ns"] == NEVER and not is_within(tag, now):
        tag["left_ns"] = at_ns
    return bool(tag["left_ns"] != NEVER and at_ns - tag["left_ns"] >= tag["max_delay_ns"])


def decide(tag: Row, now: float, changed: bool, at_ns: int) -> int:
    """Return RECORDED, or which rule keeps a reading from being recorded."""
    if changed or at_ns >= tag["boot_ns"] + tag["heartbeat_ns"]:
        return RECORDED
    if tag["door"] == 1:
        return RECORDED if is_late(tag, now, at_ns) else BY_DOOR
    if is_within(tag, now):
        return BY_DEADBAND
    return BY_MIN_INTERVAL if at_ns < tag["boot_ns"] + tag["min_interval_ns"] else RECORDED


def report_group(
    groups: Table,
    tags: Table,
    value: Float64s,
    quality: Uint32s,
    selected: Bools,
    late: Bools,
    counts: Int64s,
    number: int,
    at_ns: int,
) -> int:
    """Mark in `selected` what of one group is to be recorded, and remember it; return how many in all.

    `late`: of which tags the reading of the scan before is to be recorded, too. `counts`: int64[3], readings
    suppressed by each rule; one that is recorded late is taken back from BY_DOOR.
    """
    recorded = 0
    counts[:] = 0
    for place in range(groups[number]["first_tag"], groups[number]["end_tag"]):
        tag = tags[place]
        now = float(value[place])
        word = int(quality[place])
        changed = word != tag["quality"]
        opened = swing(tag, now, changed, at_ns)
        late[place] = opened
        if opened:
            recorded += 1
            counts[BY_DOOR] -= 1
        outcome = decide(tag, now, changed, at_ns)
        selected[place] = outcome == RECORDED
        if outcome == RECORDED:
            recorded += 1
            tag["quality"] = word
            begin_line(tag, now, at_ns)
        else:
            counts[outcome] += 1
            if tag["door"] == 1 and not math.isnan(now):
                hold_back(tag, now, at_ns)
    return recorded
