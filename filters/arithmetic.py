"""What the kernels compute on readings: conditioning.

Plain functions on tables and arrays, compiled by `filters.kernels` and run as they stand where there is no
compiler: written in the few words that both understand, each after those that it calls. The caller owns the
state.
"""

from __future__ import annotations

import math
from typing import Final

from config.vocabulary import FLAGS_MASK, Reason, bad, uncertain
from filters.layout import Float64s, Int64s, Row, Table, Uint32s

BAD_FLOOR: Final = bad(Reason.NONE)
UNCERTAIN_FLOOR: Final = uncertain(Reason.NONE)
UNDER_RANGE: Final = bad(Reason.UNDER_RANGE)
OVER_RANGE: Final = bad(Reason.OVER_RANGE)
IMPLAUSIBLE: Final = bad(Reason.IMPLAUSIBLE)
TOO_FAST: Final = uncertain(Reason.RATE)
NOT_A_NUMBER: Final = bad(Reason.NOT_A_NUMBER)


def screen(raw: float, quality: int, tag: Row, sentinels: Table) -> int:
    """Return the quality word of a raw number that the driver calls Good or Uncertain; flags are kept.

    A sentinel is looked for before the raw range, because codes often lie outside it. Range: NAMUR NE 43.
    """
    flags = quality & FLAGS_MASK
    for number in range(tag["first_sentinel"], tag["end_sentinel"]):
        if raw == sentinels[number]["raw"]:
            code: int = sentinels[number]["quality"]
            return code | flags
    if raw < tag["raw_low"]:
        return UNDER_RANGE | flags
    if raw > tag["raw_high"]:
        return OVER_RANGE | flags
    sample = raw * tag["scale"] + tag["offset"]
    if not math.isfinite(sample):
        return NOT_A_NUMBER | flags
    if sample < tag["plausible_low"] or sample > tag["plausible_high"]:
        return IMPLAUSIBLE | flags
    return quality


def pace(sample: float, quality: int, tag: Row, at_ns: int) -> int:
    """Return the quality word of a usable sample: Uncertain if it is too far from the one before it."""
    moved = abs(sample - tag["last"])
    allowed = tag["max_rate"] * (at_ns - tag["last_ns"])
    tag["last"] = sample
    tag["last_ns"] = at_ns
    return TOO_FAST | quality if moved > allowed and quality < UNCERTAIN_FLOOR else quality


def median(newest: Float64s, width: int) -> float:
    """Return the middle of the first `width` numbers; `width` is odd, none of them is NaN."""
    middle = width // 2
    for candidate in range(width):
        below = 0
        not_above = 0
        for other in range(width):
            below += newest[other] < newest[candidate]
            not_above += newest[other] <= newest[candidate]
        if below <= middle < not_above:
            return float(newest[candidate])
    return math.nan


def despike(sample: float, tag: Row, newest: Float64s) -> float:
    """Put a sample into its tag's window and return the median of the largest odd number of samples held.

    So a window that fills adds no more delay than a full one, and its first sample passes as it is.
    """
    window = tag["window"]
    held = min(tag["held"] + 1, window)
    for place in range(held - 1, 0, -1):
        newest[place] = newest[place - 1]
    newest[0] = sample
    tag["held"] = held
    return median(newest, held - 1 + held % 2)


def condition_group(
    groups: Table,
    tags: Table,
    sentinels: Table,
    windows: Float64s,
    arrived: Uint32s,
    raw: Float64s,
    scaled: Float64s,
    value: Float64s,
    quality: Uint32s,
    boot_ns: Int64s,
    since_boot_ns: Int64s,
    number: int,
    at_ns: int,
) -> None:
    """Turn the raw numbers and `arrived` qualities of one group into scaled, value and quality.

    All arrays are by tag number, `windows` float64[n, LONGEST_WINDOW] with the newest sample first. A window
    restarts after a Bad sample and after a scan that had ceased to be current.
    """
    group = groups[number]
    lapsed = at_ns - group["sample_ns"] >= group["stale_after_ns"]
    for place in range(group["first_tag"], group["end_tag"]):
        tag = tags[place]
        word = int(arrived[place])
        sample = float(raw[place])
        if word < BAD_FLOOR:
            word = screen(sample, word, tag, sentinels)
        if lapsed or word >= BAD_FLOOR:
            tag["held"] = 0
            tag["last"] = math.nan
        if word < BAD_FLOOR:
            sample = sample * tag["scale"] + tag["offset"]
            word = pace(sample, word, tag, at_ns)
            scaled[place] = sample
            value[place] = despike(sample, tag, windows[place])
        else:
            scaled[place] = math.nan
            value[place] = math.nan
        if word != quality[place]:
            quality[place] = word
            since_boot_ns[place] = at_ns
        boot_ns[place] = at_ns
    group["sample_ns"] = at_ns
    group["expected_ns"] = at_ns + group["period_ns"] - group["period_ns"] // 4
    group["stale_at_ns"] = at_ns + group["stale_after_ns"]
    group["touched"] = 1
