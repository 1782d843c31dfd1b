"""Tables for people: words are shown as they stand, whatever brackets or colons a title has."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table

from agent.cli.speech import shown
from config.text import Text


def table(*headings: Text) -> Table:
    """Return an empty table."""
    found = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        found.add_column(shown(heading), overflow="fold")
    return found


def shown_name(name: str, title: str) -> str:
    """Return what a row is called: its name, and below it its title, where that says more."""
    return name if title in ("", name) else f"{name}\n{title}"


def show(*tables: Table) -> None:
    """Print the tables that have rows."""
    console = Console(markup=False, emoji=False, highlight=False)
    for found in tables:
        if found.row_count:
            names = found.columns[0]
            names.no_wrap = _width(names) <= console.width // 2  # commands take them: they are not folded
            console.print(found)


def _width(column: Column) -> int:
    cells = [str(column.header), *map(str, column.cells)]
    return max(cell_len(line) for cell in cells for line in cell.splitlines() or [""])
