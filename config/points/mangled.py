"""What spreadsheets do to cells that are not numbers, recognised and named.

Each function returns the words for the fault, or None where the cell is unharmed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from config.text import Text, text

_REMEDY: Final = text("format the column as text and write the cell anew")
_ERRORS: Final = frozenset(("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"))
_TOO_NARROW: Final = re.compile(r"#{2,}")
_SHORTENED: Final = re.compile(r"\d(?:\.\d+)?[Ee]\+?\d{1,3}", re.ASCII)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<day>\d{{1,2}})-(?P<name>{'|'.join(_MONTHS)})(?:-\d{{2,4}})?",
        rf"(?P<name>{'|'.join(_MONTHS)})-(?P<day>\d{{1,2}})",
        r"(?:\d{4}年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})日",
        r"\d{4}[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2})(?: 0?0:00(?::00)?)?",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/\d{4}",
    )
)
_GAINED_ZERO: Final = re.compile(r"(\d+)\.0+", re.ASCII)
_LOST_DIGITS: Final = re.compile(r"\d{15}0{3,}", re.ASCII)


def lost_content(content: str) -> Text | None:
    """Recognise cells whose content is gone, in any column: `#REF!` and its like, `########`."""
    if content.upper() in _ERRORS:
        return text(
            '"{found}" is an error value of a spreadsheet; repair the cell and export again', found=content
        )
    if _TOO_NARROW.fullmatch(content):
        return text('"{found}" is what too narrow a column shows; widen it and export again', found=content)
    return None


def date(content: str) -> Text | None:
    """Recognise a date that was made of something like `3-1`."""
    for pattern in _DATES:
        if match := pattern.fullmatch(content):
            groups = match.groupdict()
            month = int(groups.get("month") or _MONTHS.index(groups["name"]) + 1)
            return text(
                '"{found}" is a date that a spreadsheet made, perhaps of {month}-{day}; {remedy}',
                found=content,
                month=month,
                day=int(groups["day"]),
                remedy=_REMEDY,
            )
    return None


def damaged_text(content: str) -> Text | None:
    """Recognise what became of a name, code or address that a spreadsheet took for something else."""
    if _SHORTENED.fullmatch(content):
        return text(
            '"{found}" is a long number that a spreadsheet shortened; {remedy}', found=content, remedy=_REMEDY
        )
    if content.upper() in ("TRUE", "FALSE"):
        return text(
            '"{found}" is a truth value that a spreadsheet made; {remedy}', found=content, remedy=_REMEDY
        )
    return date(content)


def damaged_code(content: str) -> Text | None:
    """Recognise what else became of a name or a code that is all digits."""
    if match := _GAINED_ZERO.fullmatch(content):
        return text('"{found}" has gained a decimal point; write {meant}', found=content, meant=match[1])
    if _LOST_DIGITS.fullmatch(content):
        return text(
            '"{found}" has lost its last digits, a spreadsheet keeps 15; {remedy} (if they are right, write '
            '="{found}")',
            found=content,
            remedy=_REMEDY,
        )
    return damaged_text(content)


def full_width(content: str) -> Text | None:
    """Recognise full-width letters, digits and punctuation in a name."""
    plain = half_width(content)
    if plain == content:
        return None
    return text('"{found}" has full-width characters; write {meant}', found=content, meant=plain)


def half_width(content: str) -> str:
    """Return the content with full-width characters and typographic minus signs made plain."""
    if content.isascii():
        return content
    return unicodedata.normalize("NFKC", content).replace("−", "-").replace("–", "-")
