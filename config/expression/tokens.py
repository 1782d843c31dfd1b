"""The words of an expression."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from config.expression.tree import ExpressionFault
from config.text import Text, text


class TokenKind(Enum):
    """What a word is."""

    NUMBER = "number"
    SPAN = "span"
    NAME = "name"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word; of a quoted name the part between the quotes, then `quoted`."""

    kind: TokenKind
    spelling: str
    at: int
    quoted: bool = False


_WORD: Final = re.compile(
    r"""\s*(?:
        (?P<figure>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit>\s?%|[A-Za-z_]\w*)?
      | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
      | '(?P<single>[^']*)' | "(?P<double>[^"]*)"
      | (?P<sign><=|>=|==|!=|<>|&&|\|\||[-+*/<>=(),!&|])
      | (?P<end>$)
    )""",
    re.VERBOSE | re.ASCII,
)
_BLANK: Final = re.compile(r"\s*", re.ASCII)
_SPAN_UNITS: Final = frozenset(("ms", "s", "min", "h", "d"))
_INSTEAD: Final = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", "<>": "!=", "=": "=="}


def tokens(content: str) -> Iterator[Token]:
    """Yield the words of an expression, END last. Raises ExpressionFault."""
    position = 0
    while True:
        match = _WORD.match(content, position)
        if match is None:
            raise _unreadable(content, position)
        token = _token(match)
        yield token
        if token.kind is TokenKind.END:
            return
        position = match.end()


def foreign_sign(token: Token) -> ExpressionFault | None:
    """Return the fault of a sign that other languages have."""
    instead = _INSTEAD.get(token.spelling)
    if token.kind is not TokenKind.SIGN or instead is None:
        return None
    words = text('"{found}" is not known here; write "{instead}"', found=token.spelling, instead=instead)
    return ExpressionFault(words, token.at)


def _token(match: re.Match[str]) -> Token:
    group = str(match.lastgroup)
    if group in ("figure", "unit"):
        return _figure(match)
    if group in ("single", "double"):
        return Token(TokenKind.NAME, match[group], match.start(group) - 1, quoted=True)
    kinds = {"name": TokenKind.NAME, "sign": TokenKind.SIGN, "end": TokenKind.END}
    return Token(kinds[group], match[group], match.start(group))


def _figure(match: re.Match[str]) -> Token:
    at, unit = match.start("figure"), (match["unit"] or "").strip()
    if unit in _SPAN_UNITS:
        return Token(TokenKind.SPAN, match["figure"] + unit, at)
    if unit in ("", "%"):
        return Token(TokenKind.NUMBER, match["figure"] + unit, at)
    words = text(
        '"{found}" is neither a number nor a duration; write for example 5 or 5s, and put quotes around a '
        "name that begins with a digit",
        found=match["figure"] + unit,
    )
    raise ExpressionFault(words, at)


def _unreadable(content: str, position: int) -> ExpressionFault:
    at = _BLANK.match(content, position).end()  # type: ignore[union-attr]  # matches always
    return ExpressionFault(_why_unreadable(content[at]), at)


def _why_unreadable(found: str) -> Text:
    if found in "'\"":
        return text("the quote that opens here is never closed; close it")
    plain = unicodedata.normalize("NFKC", found)
    if plain != found and plain.isascii():
        return text('"{found}" is full-width; write "{plain}"', found=found, plain=plain)
    return text('"{found}" means nothing here; see docs/judgement.md for the language', found=found)
