"""What a cell means, by the kind of its column. Every reader raises WrongValue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from config.faults import WrongValue
from config.points.mangled import damaged_code, damaged_text, date, full_width, half_width
from config.text import Text, text
from config.wording import brief, closest, some

Reader = Callable[[str], object]

_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)
_GROUPED: Final = re.compile(r"[-+]?\d+(?:,\d+)+(?:\.\d+)?", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"0[xX][0-9A-Fa-f]{1,8}", re.ASCII)
_AS_TEXT: Final = re.compile(r'="(.*)"')
_SENTINEL_SEPARATORS: Final = re.compile(r"[;；|\n]")
_CONDITION: Final = re.compile(r"([^\s=<>]+)\s*([=<>])\s*([^=<>]+)")
_COMPARISONS: Final = {"=": "equals", "<": "below", ">": "above"}
_UNIT_OF: Final = {
    "毫秒": "ms", "秒钟": "s", "秒": "s", "分钟": "min", "分": "min", "小时": "h", "时": "h", "天": "d",
}  # fmt: skip
_CHINESE_UNIT: Final = re.compile(f"({'|'.join(_UNIT_OF)})$")
_TRUTHS: Final = {
    "true": True, "yes": True, "y": True, "1": True, "是": True, "√": True,
    "false": False, "no": False, "n": False, "0": False, "否": False, "×": False,
}  # fmt: skip


def title(content: str) -> str:
    """Words for people; line breaks become spaces."""
    return " ".join(content.split())


def unit(content: str) -> str:
    """A unit, as it stands."""
    return content


def name(content: str) -> str:
    """A name that must read the same wherever it stands, so nothing in it is put right silently."""
    if written_as_text := _AS_TEXT.fullmatch(content):
        return written_as_text[1]
    _refuse(damaged_code(content) or full_width(content))
    return content


def address(content: str) -> str:
    """An address as it is spelled; `config.address` reads it when the device is known."""
    _refuse(damaged_text(content))
    return content


def number(content: str) -> float:
    """A finite number with a decimal point; an exponent is fine here."""
    plain = half_width(content)
    if _NUMBER.fullmatch(plain) and isfinite(found := float(plain)):
        return found
    _refuse(date(plain))
    if _GROUPED.fullmatch(plain):
        raise WrongValue(
            text('"{found}" has a comma; write it without, the decimals behind a point', found=content)
        )
    raise WrongValue(text('"{found}" is not a number; write for example 12.5', found=brief(content)))


def whole_number(content: str) -> int:
    """A whole number; a spreadsheet's `3.0` is 3."""
    found = number(content)
    if found != int(found):
        raise WrongValue(text('"{found}" is not a whole number; write for example 3', found=brief(content)))
    return int(found)


def truth(content: str) -> bool:
    """Yes or no, in either language."""
    found = _TRUTHS.get(half_width(content).lower())
    if found is None:
        raise WrongValue(text('"{found}" is neither yes nor no; write yes or no', found=brief(content)))
    return found


def duration(content: str) -> str:
    """A duration in the spelling of `config.units`; Chinese units are put into it."""
    plain = half_width(content)
    _refuse(date(plain))
    return _CHINESE_UNIT.sub(lambda match: _UNIT_OF[match[1]], plain)


def choice(spellings: Mapping[str, str]) -> Reader:
    """Return a reader of a closed set: lower-case spelling to value."""

    def read(content: str) -> str:
        found = spellings.get(re.sub(r"\s", "", half_width(content)).lower())
        if found is not None:
            return found
        if meant := closest(content, spellings):
            raise WrongValue(
                text('"{found}" is unknown; did you mean "{meant}"?', found=brief(content), meant=meant)
            )
        values = some(dict.fromkeys(spellings.values()))
        raise WrongValue(
            text('"{found}" is unknown; write one of {values}', found=brief(content), values=values)
        )

    return read


def deadband(content: str) -> dict[str, float]:
    """A number, or with % a share of the engineering range."""
    plain = half_width(content)
    if plain.endswith("%"):
        return {"percent": number(plain[:-1].strip())}
    return {"absolute": number(plain)}


def mask(content: str) -> int:
    """The bits of a mask: `0x00F0`, or a whole number."""
    plain = half_width(content)
    return int(plain, 16) if _HEXADECIMAL.fullmatch(plain) else whole_number(content)


def meanings(content: str) -> dict[float, str]:
    """Codes with their meanings: `7777=spare; 9988=fault`."""
    found: dict[float, str] = {}
    for entry in filter(str.strip, _SENTINEL_SEPARATORS.split(content)):
        code, equals, meaning = half_width(entry).partition("=")
        if not equals or not meaning.strip():
            raise WrongValue(
                text(
                    '"{found}" is no code with its meaning; write for example 7777=spare; 9988=fault',
                    found=entry,
                )
            )
        found[number(code.strip())] = meaning.strip()
    return found


def condition(content: str) -> dict[str, object]:
    """One comparison of a tag: `casting = 0`, `speed < 5`, `p > 2.5`."""
    match = _CONDITION.fullmatch(half_width(content))
    if match is None:
        raise WrongValue(
            text('"{found}" is no comparison; write for example casting = 0', found=brief(content))
        )
    return {"tag": name(match[1]), _COMPARISONS[match[2]]: number(match[3].strip())}


def _refuse(words: Text | None) -> None:
    if words is not None:
        raise WrongValue(words)
