"""What goes wrong with a simulated plant: which fault, where, from when, how long and how often.

A fault is spelled as in a scenario file or behind `--fault`: `late:device=plc1,ms=300,rate=0.1`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from config.faults import WrongValue
from config.text import Text, text
from config.units import parse_duration_ns
from config.wording import unknown

ILLEGAL_ADDRESS: Final = 2
_AWAY_S: Final = 5.0


class Kind(StrEnum):
    """One way in which a device, its link or one of its tags may fail."""

    DELAY = "delay"
    SILENCE = "silence"
    LATE = "late"
    DOUBLED = "doubled"
    GARBLED = "garbled"
    CRC = "crc"
    WRONG_UNIT = "wrong_unit"
    EXCEPTION = "exception"
    NAN = "nan"
    STUCK = "stuck"
    DROPOUTS = "dropouts"
    RESTART = "restart"
    TRICKLE = "trickle"
    FLOOD = "flood"


KINDS: Final[dict[Kind, Text]] = {
    Kind.DELAY: text("the right answer, ms later than usual"),
    Kind.SILENCE: text("no answer"),
    Kind.LATE: text("an answer with wrong values ms after the question, when nobody waits for it any more"),
    Kind.DOUBLED: text("every answer twice"),
    Kind.GARBLED: text("an answer in pieces, or something else instead"),
    Kind.CRC: text("an answer with wrong values and a wrong checksum"),
    Kind.WRONG_UNIT: text("an answer of another unit"),
    Kind.EXCEPTION: text("the device refuses, with exception code (2 where none is given)"),
    Kind.NAN: text("float values are not a number"),
    Kind.STUCK: text("values stand still"),
    Kind.DROPOUTS: text("the connection is lost instead of an answer"),
    Kind.RESTART: text("the device is away for the duration (5 s where none is given), then begins anew"),
    Kind.TRICKLE: text("an answer with wrong values, a byte at a time"),
    Kind.FLOOD: text("an answer, and a thousand more that nobody asked for"),
}
ON_VALUES: Final = frozenset((Kind.NAN, Kind.STUCK))
"""Faults of values; all others are faults of answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault; of `tag`, `device` and `link` at most one is given, none means the whole plant.

    `duration_s`: None: for ever. `rate`: share of the answers (of the values, for `nan`) that suffer.
    `pause_s`: what the fault's milliseconds mean; None: its default. `code`: of an exception.
    """

    kind: Kind
    tag: str | None = None
    device: str | None = None
    link: str | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    rate: float = 1.0
    pause_s: float | None = None
    code: int = ILLEGAL_ADDRESS

    def active(self, seconds: float) -> bool:
        """Tell whether it goes wrong at a time, counted from the start."""
        return self.start_s <= seconds < self.end_s

    @property
    def end_s(self) -> float:
        """When it is over."""
        return float("inf") if self.duration_s is None else self.start_s + self.duration_s


def parse_fault(spelling: str) -> Fault:
    """Return the fault that is spelled. Raises WrongValue."""
    name, _, rest = spelling.strip().partition(":")
    if name not in list(Kind):
        raise WrongValue(unknown(text("fault"), name, list(Kind)))
    given: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, found = part.partition("=")
        if key not in _KEYS or not equals:
            raise WrongValue(
                text(
                    '"{found}" is unknown here; write {keys}, each with = and a value',
                    found=part,
                    keys=", ".join(_KEYS),
                )
            )
        field, read = _KEYS[key]
        given[field] = read(found)
    if sum(scope in given for scope in ("tag", "device", "link")) > 1:
        raise WrongValue(text("name a tag, a device or a link, not several at once"))
    if name == Kind.RESTART:
        given.setdefault("duration_s", _AWAY_S)
    return Fault(kind=Kind(name), **given)


def _seconds(found: str) -> float:
    return parse_duration_ns(found) / 1e9


def _pause_s(found: str) -> float:
    return _between(found, text("ms"), 0, 3_600_000) / 1000


def _rate(found: str) -> float:
    return _between(found, text("rate"), 0, 1)


def _code(found: str) -> int:
    return int(_between(found, text("code"), 1, 255))


def _between(found: str, noun: Text, low: float, high: float) -> float:
    try:
        number = float(found)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise WrongValue(
            text(
                '{noun} "{found}" is not a number from {low} to {high}',
                noun=noun,
                found=found,
                low=low,
                high=high,
            )
        )
    return number


_KEYS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "device": ("device", str),
    "link": ("link", str),
    "tag": ("tag", str),
    "start": ("start_s", _seconds),
    "duration": ("duration_s", _seconds),
    "rate": ("rate", _rate),
    "ms": ("pause_s", _pause_s),
    "code": ("code", _code),
}
