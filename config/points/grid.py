"""A CSV file as cells that remember where they stand (RFC 4180, with comma, semicolon or tab)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from config.decode import UNREADABLE, Encoding, decode
from config.faults import Fault, Place
from config.text import Text, text

_WORKBOOK: Final = text('this is an Excel workbook; save it as "CSV UTF-8 (comma delimited)"')
_UTF_16: Final = text('this file is in UTF-16; save it as "CSV UTF-8 (comma delimited)"')
_FOREIGN_FORMATS: Final = {
    b"PK\x03\x04": _WORKBOOK,
    b"\xd0\xcf\x11\xe0": _WORKBOOK,
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}
_FULL_WIDTH_COMMA: Final = "，"
_DELIMITERS: Final = (",", ";", "\t", _FULL_WIDTH_COMMA)
_LINE_BREAK: Final = re.compile(r"\r\n?|\n")
_COMMENT: Final = re.compile(
    r'[^\S\r\n]*"?#(?!REF!|N/A|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|#+[^\S\r\n]*[,;\t，][^,;\t，\r\n])[^\r\n]*'
)
_BLANK_OR_COMMENT_LINES: Final = re.compile(rf"(?:(?:{_COMMENT.pattern}|[^\S\r\n]*)(?:\r\n?|\n))*")
_QUOTED: Final = re.compile(r'"[^"]*"')
_INVISIBLE: Final = "\u200b\u200e\u200f\u2060\ufeff"


class Cell(NamedTuple):
    """One cell without the quotes and spaces around it; line and column (in characters) count from 1."""

    content: str
    line: int
    column: int


Cells = list[Cell]


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a table that say something; comment lines and blank rows are passed over."""

    path: Path
    rows: list[Cells]

    def place(self, cell: Cell) -> Place:
        """Return where a cell stands."""
        return Place(self.path, cell.line, cell.column)


def read_grid(path: Path, raw: bytes) -> tuple[Grid, list[Fault]]:
    """Return the rows of a table and the faults of its format, encoding and quoting."""
    for beginning, words in _FOREIGN_FORMATS.items():
        if raw.startswith(beginning):
            return Grid(path, []), [Fault(Place(path), words)]
    decoded = decode(raw)
    scanner = _Scanner(path, decoded.text)
    grid = Grid(path, [row for row in scanner.rows() if any(cell.content for cell in row)])
    faults = scanner.faults + list(_undecodable(grid, decoded.encoding))
    if not grid.rows:
        faults.append(Fault(Place(path), text("this table is empty; its first line names the columns")))
    return grid, faults


def _undecodable(grid: Grid, encoding: Encoding) -> Iterator[Fault]:
    words = text(
        'this cell holds bytes that are not {encoding}; write it anew and save as "CSV UTF-8"',
        encoding=encoding,
    )
    for row in grid.rows:
        for cell in row:
            if UNREADABLE in cell.content:
                yield Fault(grid.place(cell), words)


class _Scanner:
    """Cuts text into rows of cells, collecting the faults of its quoting."""

    def __init__(self, path: Path, content: str) -> None:
        self.faults: list[Fault] = []
        self._path = path
        self._content = content
        self._line, self._line_start = 1, 0
        delimiter = self._find_delimiter()
        self._cell = re.compile(
            rf'[^\S\r\n\t]*"([^"]*(?:""[^"]*)*)"([^{delimiter}\r\n]*)|([^{delimiter}\r\n]*)'
        )

    def rows(self) -> Iterator[Cells]:
        """Yield every row but comments."""
        position, end = 0, len(self._content)
        while position < end:
            if comment := _COMMENT.match(self._content, position):
                position = comment.end()
            else:
                row, position = self._row(position)
                yield row
            position = self._past_line_break(position)

    def _row(self, position: int) -> tuple[Cells, int]:
        row: Cells = []
        while True:
            match = self._cell.match(self._content, position)
            assert match is not None  # the last alternative matches anything
            row.append(self._cell_of(match))
            position = match.end()
            if position == len(self._content) or self._content[position] in "\r\n":
                return row, position
            position += 1

    def _cell_of(self, match: re.Match[str]) -> Cell:
        line, column = self._line, match.start() - self._line_start + 1
        quoted, behind, plain = match.groups()
        if quoted is None:
            if plain.startswith('"'):
                self._fault(line, column, text("the quote that opens this cell is never closed; close it"))
            return Cell(_trimmed(plain), line, column)
        if behind.strip():
            words = text("text stands behind the closing quote; double the quotes inside a cell")
            self._fault(line, column, words)
        for line_break in _LINE_BREAK.finditer(quoted):
            self._line += 1
            self._line_start = match.start(1) + line_break.end()
        return Cell(_trimmed(quoted.replace('""', '"')), line, column)

    def _past_line_break(self, position: int) -> int:
        if match := _LINE_BREAK.match(self._content, position):
            self._line += 1
            self._line_start = position = match.end()
        return position

    def _find_delimiter(self) -> str:
        """Return the delimiter that the header has most of; a full-width comma serves too, with a fault."""
        start = _BLANK_OR_COMMENT_LINES.match(self._content)
        begin = start.end() if start else 0
        header = _QUOTED.sub("", _LINE_BREAK.split(self._content[begin:], 1)[0])
        delimiter = max(_DELIMITERS, key=header.count)
        if delimiter == _FULL_WIDTH_COMMA and delimiter in header:
            place = Place(
                self._path, len(_LINE_BREAK.split(self._content[:begin])), header.index(delimiter) + 1
            )
            self.faults.append(Fault(place, text('full-width commas "，" separate the cells; write ","')))
        return delimiter

    def _fault(self, line: int, column: int, words: Text) -> None:
        self.faults.append(Fault(Place(self._path, line, column), words))


def _trimmed(content: str) -> str:
    """Return the content without spaces of any kind around it, visible or not."""
    trimmed = content.strip()
    return trimmed if trimmed.isascii() else trimmed.strip(_INVISIBLE).strip()
