"""Tables for people: words are shown as they stand, whatever brackets or colons a title has."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from agent.cli.speech import shown
from config.text import Text


def table(*headings: Text) -> Table:
    """Return an empty table."""
    found = Table(box=None, header_style="bold")
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
            console.print(found)
