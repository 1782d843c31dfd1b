"""Quantities as people write them: `500ms`, `30d`, `2GB`."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from config.faults import WrongValue
from config.text import Text, text

MS: Final = 10**6
S: Final = 10**9
DAY: Final = 86400 * S

_NS: Final = {"ms": MS, "s": S, "min": 60 * S, "h": 3600 * S, "d": DAY}
_BYTES: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_QUANTITY: Final = re.compile(r"\s*(\d{1,12}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*", re.ASCII)

DURATION_PATTERN: Final = r"^\d+(\.\d+)?(ms|s|min|h|d)$"
SIZE_PATTERN: Final = r"^\d+(\.\d+)?(B|[kMG]B|[KMG]iB)$"


def parse_duration_ns(found: object) -> int:
    """Return nanoseconds of `500ms`, `1.5s`, `10min`, `2h`, `30d`. Raises WrongValue."""
    return _parse(found, _NS, text("duration"), "5s")


def parse_size_bytes(found: object) -> int:
    """Return bytes of `64KiB`, `500MB`, `2GB`. Raises WrongValue."""
    return _parse(found, _BYTES, text("size"), "500MB")


def show_duration(duration_ns: int) -> str:
    """Return the shortest exact spelling of a duration: `500ms`, `1.5s`, `2h`."""
    for unit in ("d", "h", "min", "s"):
        if duration_ns and duration_ns % _NS[unit] == 0:
            return f"{duration_ns // _NS[unit]}{unit}"
    if duration_ns > S and duration_ns % MS == 0:
        return f"{duration_ns / S:.3f}".rstrip("0") + "s"
    return f"{duration_ns / MS:g}ms"


def show_size(size_bytes: int) -> str:
    """Return the shortest exact spelling of a size: `500MB`, `64KiB`."""
    for unit in ("GB", "GiB", "MB", "MiB", "kB", "KiB"):
        if size_bytes and size_bytes % _BYTES[unit] == 0:
            return f"{size_bytes // _BYTES[unit]}{unit}"
    return f"{size_bytes}B"


def no_shorter_than(least_ns: int) -> AfterValidator:
    """Return a validator that refuses durations shorter than `least_ns`."""

    def refuse_shorter(found_ns: int) -> int:
        if found_ns < least_ns:
            raise WrongValue(
                text(
                    "{found} is too short; write at least {least}",
                    found=show_duration(found_ns),
                    least=show_duration(least_ns),
                )
            )
        return found_ns

    return AfterValidator(refuse_shorter)


def no_smaller_than(least_bytes: int) -> AfterValidator:
    """Return a validator that refuses sizes smaller than `least_bytes`."""

    def refuse_smaller(found_bytes: int) -> int:
        if found_bytes < least_bytes:
            raise WrongValue(
                text(
                    "{found} is too small; write at least {least}",
                    found=show_size(found_bytes),
                    least=show_size(least_bytes),
                )
            )
        return found_bytes

    return AfterValidator(refuse_smaller)


def _parse(found: object, units: dict[str, int], noun: Text, example: str) -> int:
    match = _QUANTITY.fullmatch(str(found))
    if match is None or isinstance(found, bool):
        shown = str(found).lower() if isinstance(found, bool) else found
        raise WrongValue(
            text(
                '"{found}" is not a {noun}; write for example {example}',
                found=shown,
                noun=noun,
                example=example,
            )
        )
    number, unit = match.groups()
    if not unit and float(number) != 0:
        raise WrongValue(
            text(
                '{noun} "{found}" has no unit; write for example {example}',
                noun=noun,
                found=found,
                example=example,
            )
        )
    if unit and unit not in units:
        raise WrongValue(
            text(
                '{noun} "{found}" has an unknown unit; the units are {units}',
                noun=noun,
                found=found,
                units=", ".join(units),
            )
        )
    return round(float(number) * units.get(unit, 1))


Duration = Annotated[
    int,
    BeforeValidator(parse_duration_ns),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["500ms", "5s"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size_bytes),
    PlainSerializer(show_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN, "examples": ["500MB"]}),
]
