"""Tags: names that are unique and known, limits and ranges in order."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from config.draft import Draft
from config.faults import Fault
from config.points.read import Row
from config.tags import ReportBy
from config.text import text
from config.vocabulary import Limit
from config.wording import unknown

_FIELD_OF: Final = {Limit.LL: "ll", Limit.L: "l", Limit.H: "h", Limit.HH: "hh"}
_RANGES: Final = (
    ("raw_low", "raw_high"),
    ("range_low", "range_high"),
    ("plausible_low", "plausible_high"),
)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_SHORTEST_CODE: Final = 8
"""All-digit names shorter than this are taken for numbers of people's own, which may differ in length."""


def tag_faults(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    """Yield the faults of the tags."""
    for field in ("tag", "code"):
        yield from _twice(rows, field)
        yield from _lost_zeros(rows, field)
    scan_classes, devices = draft.names("scan_classes"), draft.names("devices")
    for row in rows:
        if row.sound("device") and row.tag.device not in devices:
            yield Fault(row.place("device"), unknown(text("device"), row.tag.device, devices))
        if row.sound("scan_class") and row.tag.scan_class not in scan_classes:
            yield Fault(
                row.place("scan_class"), unknown(text("scan class"), row.tag.scan_class, scan_classes)
            )
        yield from _range_faults(row)
        yield from _limit_faults(row)
        yield from _reporting_faults(row)


def _twice(rows: Sequence[Row], field: str) -> Iterator[Fault]:
    first: dict[str, Row] = {}
    for row in rows:
        found = getattr(row.tag, field)
        if not found or not row.sound(field):
            continue
        if (twin := first.setdefault(found, row)) is not row:
            place = twin.place(field)
            words = text(
                '"{found}" stands already in {file}, line {line}, column {column}; keep one of the two',
                found=found,
                file=place.file,
                line=place.line,
                column=place.column,
            )
            yield Fault(row.place(field), words)


def _lost_zeros(rows: Sequence[Row], field: str) -> Iterator[Fault]:
    """Among codes that are all digits and of one width, a shorter one has lost its leading zeros."""
    codes = [(row, getattr(row.tag, field)) for row in rows if row.sound(field)]
    digits = [
        (row, code) for row, code in codes if _DIGITS.fullmatch(code) and len(code) >= _SHORTEST_CODE - 4
    ]
    if not digits:
        return
    width, count = Counter(len(code) for _, code in digits).most_common(1)[0]
    if width < _SHORTEST_CODE or count < len(digits) / 2:
        return
    for row, code in digits:
        if len(code) < width:
            words = text(
                'code "{code}" has {length} digits, the others {width}; if a spreadsheet took leading zeros, '
                'write ="{meant}"',
                code=code,
                length=len(code),
                width=width,
                meant=code.zfill(width),
            )
            yield Fault(row.place(field), words)


def _range_faults(row: Row) -> Iterator[Fault]:
    tag = row.tag
    for low, high in _RANGES:
        least, most = getattr(tag, low), getattr(tag, high)
        if least is not None and most is not None and least >= most:
            words = text(
                "{high} {most} is not above {low} {least}; write a larger one",
                low=low,
                high=high,
                least=_g(least),
                most=_g(most),
            )
            yield row.fault(high, words)
    if tag.scale == 0:
        yield Fault(row.place("scale"), text("a scale of 0 makes every value the same; write another"))
    without_range = (tag.range_low is None or tag.range_high is None) and row.sound("range_low", "range_high")
    if tag.deadband.percent is not None and without_range:
        words = text("a deadband in percent needs range_low and range_high; add them or write a number")
        yield Fault(row.place("deadband"), words)


def _reporting_faults(row: Row) -> Iterator[Fault]:
    if row.tag.report is not ReportBy.SWINGING_DOOR or not row.sound("deadband", "report"):
        return
    if row.tag.deadband.absolute is None and row.tag.deadband.percent is None:
        yield Fault(row.place("report"), text("a swinging door needs a deadband; fill that column"))
    if row.tag.min_interval:
        words = text("min_interval does not go with a swinging door; take it away")
        yield Fault(row.place("min_interval"), words)


def _beyond_belief(row: Row, limit: Limit, value: float) -> Iterator[Fault]:
    """An alarm beyond the plausible range could never be raised: what reaches it is Bad."""
    low = -math.inf if row.tag.plausible_low is None else row.tag.plausible_low
    high = math.inf if row.tag.plausible_high is None else row.tag.plausible_high
    if low < high and not low <= value <= high:
        words = text(
            "{limit} {value} lies outside {low}..{high}, where every reading is Bad; correct the one or the "
            "other",
            limit=limit,
            value=_g(value),
            low=_g(low),
            high=_g(high),
        )
        yield row.fault(_FIELD_OF[limit], words)


def _limit_faults(row: Row) -> Iterator[Fault]:
    limits = list(row.tag.limits.items())
    for limit, value in limits:
        yield from _beyond_belief(row, limit, value)
        low, high = row.tag.range_low, row.tag.range_high
        if low is not None and high is not None and low < high and not low <= value <= high:
            words = text(
                "{limit} {value} is outside the range {low}..{high}; correct the one or the other",
                limit=limit,
                value=_g(value),
                low=_g(low),
                high=_g(high),
            )
            yield row.fault(_FIELD_OF[limit], words)
    yield from _out_of_reach(row)
    for (lower, least), (upper, most) in pairwise(limits):
        if least >= most:
            words = text(
                "{upper} {most} is not above {lower} {least}; the order is LL < L < H < HH",
                upper=upper,
                most=_g(most),
                lower=lower,
                least=_g(least),
            )
            yield row.fault(_FIELD_OF[upper], words)
    yield from _never_clearing(row)


def _out_of_reach(row: Row) -> Iterator[Fault]:
    """A limit beyond every value that the raw signal can become is never met."""
    tag = row.tag
    if not row.sound("type", "mask", "raw_low", "raw_high", "scale", "offset"):
        return
    if tag.type.is_text or tag.scale == 0:
        return
    ends = sorted(raw * tag.scale + tag.offset for raw in tag.raw_bounds)
    for limit, value in tag.limits.items():
        if not ends[0] <= value <= ends[1]:
            words = text(
                "{limit} {value} is never met: the raw signal gives {low}..{high}; "
                "correct the limit, the scale or the raw range",
                limit=limit,
                value=_g(value),
                low=_g(ends[0]),
                high=_g(ends[1]),
            )
            yield row.fault(_FIELD_OF[limit], words)


def _never_clearing(row: Row) -> Iterator[Fault]:
    """An alarm clears a deadband inside its limit; that must still lie inside the opposite limit."""
    tag = row.tag
    lows = [value for value in (tag.ll, tag.l) if value is not None]
    highs = [value for value in (tag.h, tag.hh) if value is not None]
    if lows and highs and 0 < min(highs) - max(lows) <= tag.alarm_deadband:
        words = text(
            "alarm_deadband {found} leaves nothing of {low}..{high} for alarms to clear in; "
            "write a smaller one",
            found=_g(tag.alarm_deadband),
            low=_g(max(lows)),
            high=_g(min(highs)),
        )
        yield row.fault("alarm_deadband", words)


def _g(number: float) -> str:
    return f"{number:g}"
