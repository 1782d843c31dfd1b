"""A point table read into rows: each with its tag, and what of the tag is not sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from config.address import parse_modbus
from config.decode import UNREADABLE
from config.explain import Finding, explain, schema_at
from config.faults import Fault, Place, WrongValue
from config.points.columns import COLUMNS, Column, column_of, is_for_people, known_headers
from config.points.grid import Cell, Cells, Grid, read_grid
from config.points.mangled import lost_content
from config.tags import Tag, ValueType
from config.text import Text, text
from config.wording import brief, closest

_BLANKS: Final = frozenset(("-", "--", "—", "——", "/", "无"))
_PLACEHOLDERS: Final = {column.field: "_" for column in COLUMNS if column.required}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from that no cell holds, and how it came about."""

    place: Place
    words: Text


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. Fields named in `faulty` hold a default or a placeholder in `tag`.

    `headers`: by field, what its column is called in this table, or would be. `origins`: by field, of what
    was filled in by others.
    """

    start: Place
    cells: Mapping[str, Cell]
    tag: Tag
    faulty: frozenset[str]
    headers: Mapping[str, str]
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def place(self, field: str = "tag") -> Place:
        """Return where a field's value comes from, such as its cell; the row's start where it has none."""
        if field in self.origins:
            return self.origins[field].place
        cell = self.cells.get(field)
        return Place(self.start.file, cell.line, cell.column) if cell else self.start

    def fault(self, field: str, words: Text) -> Fault:
        """Return a fault of a field, with how its value came about where no cell holds it."""
        origin = self.origins.get(field)
        said = words if origin is None else text("{origin}: {words}", origin=origin.words, words=words)
        return Fault(self.place(field), said)

    def sound(self, *fields: str) -> bool:
        """Tell whether none of the fields is faulty."""
        return self.faulty.isdisjoint(fields)


def read_table(path: Path, raw: bytes) -> tuple[list[Row], list[Fault]]:
    """Return the rows of a point table and every fault that they have on their own."""
    grid, faults = read_grid(path, raw)
    if not grid.rows:
        return [], faults
    reader = _Reader(grid, faults)
    if not any(reader.columns):
        return [], faults
    if len(grid.rows) == 1:
        faults.append(
            Fault(
                grid.place(grid.rows[0][0]),
                text("this table names columns but has no rows; add some or take it away"),
            )
        )
    return [reader.row(cells) for cells in grid.rows[1:]], faults


class _Reader:
    """Reads the rows of one table under its headers, collecting faults."""

    def __init__(self, grid: Grid, faults: list[Fault]) -> None:
        self._grid = grid
        self._faults = faults
        self._headers = grid.rows[0]
        self.columns = self._read_headers()
        self._named = self._names()
        self._missing = frozenset(_PLACEHOLDERS).difference(column.field for column in self.columns if column)

    def row(self, cells: Cells) -> Row:
        """Return what a row says."""
        named = {column.field: cell for column, cell in zip(self.columns, cells, strict=False) if column}
        faulty = set(self._missing)
        values: dict[str, object] = {}
        shifted = self._refuse_stray(cells)
        for column in filter(None, self.columns):
            if shifted or not self._read(column, named.get(column.field), cells[-1], values):
                faulty.add(column.field)
        tag = self._tag(values, named, faulty)
        return Row(self._grid.place(cells[0]), named, tag, frozenset(faulty), self._named)

    def _read_headers(self) -> list[Column | None]:
        columns: list[Column | None] = []
        if not any(column_of(cell.content) for cell in self._headers):
            words = text("this line names no known column; the first line of a table names its columns")
            self._fault(self._headers[0], words)
            return columns
        for cell in self._headers:
            column = column_of(cell.content)
            if column is None and cell.content and not is_for_people(cell.content):
                self._fault(cell, _unknown_header(cell.content))
            elif column in columns and column is not None:
                twin = self._headers[columns.index(column)]
                self._fault(cell, _second_header(cell, twin))
                column = None
            columns.append(column)
        meant = {_meant(cell.content) for cell in self._headers}
        for missing in (column for column in COLUMNS if column.required and column not in meant):
            words = text(
                'there is no column "{field}" ({header}); add it',
                field=missing.field,
                header=missing.headers[0],
            )
            self._fault(self._headers[0], words)
        return columns

    def _read(self, column: Column, cell: Cell | None, end: Cell, values: dict[str, object]) -> bool:
        """Read one cell into `values`, if it says anything; tell whether it is sound."""
        content = cell.content if cell else ""
        if not content or (column.dash_is_blank and content in _BLANKS):
            if column.required:
                self._fault(
                    cell or end,
                    text("this row has no {header}; fill it in", header=self._header_of(column.field)),
                )
            return not column.required
        assert cell is not None
        if UNREADABLE in content:
            return False  # told by the grid
        try:
            if lost := lost_content(content):
                raise WrongValue(lost)
            values[column.field] = column.read(content)
        except WrongValue as error:
            self._fault(cell, text("{name}: {words}", name=self._header_of(column.field), words=error.words))
            return False
        return True

    def _tag(self, values: dict[str, object], named: Mapping[str, Cell], faulty: set[str]) -> Tag:
        """Return the tag; what the model refuses becomes faults and is left at its default."""
        if "address" in values and "type" not in values and "type" not in faulty:
            values["type"] = _natural_type(str(values["address"]))
        try:
            return Tag.model_validate(_PLACEHOLDERS | values)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                field = str(details["loc"][0])
                finding = Finding(
                    details=details,
                    name=self._header_of(field),
                    spelling=named[field].content,
                    schema=schema_at(Tag, details["loc"]),
                )
                self._fault(named[field], explain(finding))
                faulty.add(field)
        sound = {field: value for field, value in values.items() if field not in faulty}
        return Tag.model_validate(_PLACEHOLDERS | sound)

    def _refuse_stray(self, cells: Cells) -> bool:
        """Tell whether a cell stands under no header; then those before it may be shifted, too."""
        for index, cell in enumerate(cells):
            header = self._headers[index].content if index < len(self._headers) else ""
            if cell.content and not header:
                words = text(
                    '"{found}" stands under no header; quote cells that hold a comma',
                    found=brief(cell.content),
                )
                self._fault(cell, words)
                return True
        return False

    def _header_of(self, field: str) -> str:
        return self._named[field]

    def _names(self) -> dict[str, str]:
        """Return by field what its column is called; one that is missing, in the language of the rest."""
        chinese = any(not cell.content.isascii() for cell in self._headers)
        named = {column.field: column.headers[0] if chinese else column.field for column in COLUMNS}
        headers = zip(self.columns, self._headers, strict=False)
        return named | {column.field: cell.content for column, cell in headers if column}

    def _fault(self, cell: Cell, words: Text) -> None:
        self._faults.append(Fault(self._grid.place(cell), words))


def _natural_type(address: str) -> ValueType:
    """Return what an address most likely holds: a bit a bool, a register a uint16, a node a float64."""
    if "=" in address:
        return ValueType.FLOAT64
    try:
        parsed = parse_modbus(address, 0)
    except WrongValue:
        return ValueType.UINT16  # told when the device is known
    is_bit = parsed.bit is not None or parsed.table in ("co", "di")
    return ValueType.BOOL if is_bit else ValueType.UINT16


def _meant(header: str) -> Column | None:
    """Return the column that a header means or, where it is unknown, was probably meant to mean."""
    return column_of(closest(header, known_headers()) or "") or column_of(header)


def _unknown_header(header: str) -> Text:
    if meant := closest(header, known_headers()):
        return text('column "{found}" is unknown; did you mean "{meant}"?', found=brief(header), meant=meant)
    return text('column "{found}" is unknown; docs/plant.md lists the columns', found=brief(header))


def _second_header(cell: Cell, twin: Cell) -> Text:
    return text(
        'column "{found}" means the same as "{twin}" in line {line}, column {column}; keep one of the two',
        found=cell.content,
        twin=twin.content,
        line=twin.line,
        column=twin.column,
    )
