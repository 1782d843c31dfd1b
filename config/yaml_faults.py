"""What the YAML parser says, in words that help: the likely cause, with its place.

A parser cannot go on behind a fault of syntax, so it names one. Slips that people make many times in a file
(tabs, full-width colons, invisible spaces) are searched for in all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from config.faults import Fault, Place
from config.text import Text, text

_LINE_BREAK: Final = re.compile(r"\r\n?|\n")
_DIRECTIVE: Final = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n?|\n))*%")
_ESCAPE: Final = re.compile(r"\\(?:U([0-9A-Fa-f]{8})|u([0-9A-Fa-f]{4}))")
_INDENT: Final = re.compile(r"[ \t\u00a0\u2000-\u200a\u3000]*")
_FULL_WIDTH_COLON: Final = re.compile(r"\s*(?:- +)?[\"']?[\w.-]+[\"']?：")
_NO_SPACE: Final = re.compile(r"\s*(?:- *)?[\"']?[\w.-]+[\"']?:(?=[^\s/])")
_TWO_COLONS: Final = re.compile(r"[^#\"']*?:\s+[^#\"']*:(\s|$)")


def lines_of(content: str) -> list[str]:
    """Return the lines as YAML counts them."""
    return _LINE_BREAK.split(content)


def crash_risks(path: Path, content: str) -> list[Fault]:
    """Return faults for what must not reach the parser: directives, escapes that are no characters."""
    if _DIRECTIVE.match(content):
        return [Fault(Place(path), text("directives (%) are not taken; the file is read as YAML 1.2 anyway"))]
    return [
        Fault(
            _place_at(path, content, match.start()),
            text("{found} is not a character; write the character itself", found=match[0]),
        )
        for match in _ESCAPE.finditer(content)
        if not _is_character(int(match[1] or match[2], 16))
    ]


def syntax_faults(path: Path, content: str, error: YAMLError) -> list[Fault]:
    """Return what is wrong where the parser stopped: every slip of the known kinds, else its own finding."""
    if isinstance(error, ReaderError):
        words = text(
            "the character U+{code} is not allowed here; take it away", code=f"{error.character:04X}"
        )
        return [Fault(_place_at(path, content, error.position), words)]
    slips = list(_slips(path, lines_of(content)))
    return slips or [_finding(path, content, error)]


def _slips(path: Path, lines: list[str]) -> Iterator[Fault]:
    for number, line in enumerate(lines, 1):
        indent = _INDENT.match(line)[0]  # type: ignore[index]  # matches always
        if "\t" in indent:
            yield Fault(
                Place(path, number, indent.index("\t") + 1),
                text("a tab indents this line; YAML indents with spaces only"),
            )
        elif indent.strip(" "):
            yield Fault(
                Place(path, number, len(indent) - len(indent.lstrip(" ")) + 1),
                text(
                    "a special space (U+{code}) indents this line; write plain spaces",
                    code=_first_odd(indent),
                ),
            )
        if match := _FULL_WIDTH_COLON.match(line):
            yield Fault(
                Place(path, number, match.end()),
                text('a full-width colon "：" stands behind the key; write ": "'),
            )


def _finding(path: Path, content: str, error: YAMLError) -> Fault:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Fault(Place(path), text("this file is not YAML; compare it with examples/deepwell/plant.yaml"))
    problem = str(error.problem)
    opening = problem.startswith(_TOLD_BY_OPENING) and error.context_mark is not None
    mark = error.context_mark if opening else error.problem_mark
    lines = lines_of(content)
    line = lines[mark.line] if mark.line < len(lines) else ""
    column = mark.column
    if problem.startswith("mapping values") and not _TWO_COLONS.match(line):
        column = len(line) - len(line.lstrip())
    return Fault(Place(path, mark.line + 1, column + 1), _words(problem, line))


def _words(problem: str, line: str) -> Text:
    for beginning, words in _WORDS:
        if problem.startswith(beginning):
            return words(line) if callable(words) else words
    return text("the YAML cannot be read from here on; compare this line with the ones above")


def _not_a_key(line: str) -> Text:
    if match := _NO_SPACE.match(line):
        return text('there is no space behind the colon; write "{key} value"', key=match[0].strip())
    if line.lstrip().startswith("-"):
        return text('there is no space behind the dash; write "- value"')
    return text('this line is not "key: value"; compare it with its neighbours')


def _misplaced_colon(line: str) -> Text:
    if _TWO_COLONS.match(line):
        return text('a second ": " stands in this line; put the value in quotes')
    return text("this line is indented deeper than the line above allows; align it")


_TOLD_BY_OPENING: Final = ("could not find expected", "found unexpected end", "expected ',' or")
"""Problems whose cause stands where the parser began, not where it gave up."""

_WORDS: Final[tuple[tuple[str, Text | Callable[[str], Text]], ...]] = (
    ("mapping values are not allowed", _misplaced_colon),
    ("could not find expected ':'", _not_a_key),
    ("found character", text("a value may not begin with this character; put it in quotes")),
    ("found unexpected end of stream", text("the quote that opens here is never closed; close it")),
    ("expected ',' or", text("the bracket that opens here is not closed, or a comma is missing behind it")),
    (
        "expected <block end>, but found '<scalar>'",
        text("text stands behind a closing quote; quote the whole"),
    ),
    ("expected <block end>, but found '-'", text("a list item stands among keys; indent it below its key")),
    ("expected <block end>, but found '?'", text("a key stands among list items; align it with other keys")),
    ("expected <block end>", text("this line is indented differently from its neighbours; align it")),
    ("found unknown escape", text("in double quotes a backslash begins an escape; use single quotes")),
    ("found undefined alias", text('a value may not begin with "*"; put it in quotes')),
    ("but found another document", text('"---" begins a second document here; a plant is one document')),
    ("maximum depth", text("this is nested too deeply; compare it with examples/deepwell/plant.yaml")),
)


def _first_odd(indent: str) -> str:
    return f"{ord(indent.lstrip(' ')[0]):04X}"


def _is_character(code: int) -> bool:
    return code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF


def _place_at(path: Path, content: str, position: int) -> Place:
    before = lines_of(content[:position])
    return Place(path, len(before), len(before[-1]) + 1)
