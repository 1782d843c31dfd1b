"""Quantities as people write them: `500ms`, `30d`, `2GB`, `1%`."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_NS: Final = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_BYTES: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_duration_ns(found: object) -> int:
    """Return nanoseconds of `500ms`, `1.5s`, `10min`, `2h`, `30d`. Raises ValueError."""
    return _parse(found, _NS, "duration", "5s")


def parse_size_bytes(found: object) -> int:
    """Return bytes of `64KiB`, `500MB`, `2GB`. Raises ValueError."""
    return _parse(found, _BYTES, "size", "500MB")


def show_duration(duration_ns: int) -> str:
    """Return the shortest exact spelling of a duration: `1500ms`, `5s`, `2h`."""
    for unit in ("d", "h", "min", "s"):
        if duration_ns and duration_ns % _NS[unit] == 0:
            return f"{duration_ns // _NS[unit]}{unit}"
    return f"{duration_ns / _NS['ms']:g}ms"


def _parse(found: object, units: dict[str, int], noun: str, example: str) -> int:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise ValueError(f'{noun} {found!r} is not a quantity; write for example "{example}"')
    match = _QUANTITY.fullmatch(str(found))
    if match is None:
        raise ValueError(f'{noun} "{found}" is not a quantity; write for example "{example}"')
    number, unit = match.groups()
    if not unit and float(number) != 0:
        raise ValueError(f'{noun} "{found}" has no unit; write for example "{example}"')
    if unit and unit not in units:
        raise ValueError(f'{noun} "{found}" has an unknown unit; use one of {", ".join(units)}')
    return round(float(number) * units.get(unit, 1))


Duration = Annotated[
    int,
    BeforeValidator(parse_duration_ns),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|min|h|d)$", "examples": ["500ms", "5s"]}
    ),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size_bytes),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?([kMG]B|[KMG]iB|B)$", "examples": ["500MB"]}),
]
