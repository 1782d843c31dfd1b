"""`fengsui watch`: live values of the running agent."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from agent.cli.options import lasting_option, running_state_option
from agent.cli.sparkline import Sparkline
from agent.cli.speech import language, shown
from agent.cli.tables import show, table
from agent.cli.tags import tags_or_exit, value_of
from config.text import text

Json = dict[str, Any]

_HISTORY: Final = 30
_WIDE: Final = 120
_SHORTEST_S: Final = 0.1  # nobody reads faster


@click.command(help=shown(text("Show live values of tags, with their quality, limits and recent past.")))
@click.argument("names", nargs=-1, required=True, metavar="TAG...")
@running_state_option
@click.option("--once", is_flag=True, help=shown(text("show them once and end")))
@lasting_option
def watch(names: tuple[str, ...], state: Path | None, once: bool, seconds: float | None) -> None:
    """Show tags about once a scan: as a table that renews itself, or a line each without a terminal."""
    console = Console(markup=False, emoji=False, highlight=False)
    past: dict[str, Sparkline] = defaultdict(lambda: Sparkline(_most(console)))
    with suppress(KeyboardInterrupt):
        if once:
            show(_table(next(_looks(names, state, past, seconds)), past))
        elif console.is_terminal:
            with Live(console=console, auto_refresh=False) as live:
                for found in _looks(names, state, past, seconds):
                    live.update(_table(found, past), refresh=True)
        else:
            for found in _looks(names, state, past, seconds):
                for tag in found:
                    click.echo(_line(tag))


def _most(console: Console) -> int:
    """Return how many values are shown, so that the table does not fold them."""
    return _HISTORY if console.width >= _WIDE else _HISTORY // 3


def _looks(
    names: tuple[str, ...], state: Path | None, past: dict[str, Sparkline], seconds: float | None
) -> Iterator[list[Json]]:
    """Yield the tags at once and then on a steady grid, as often as the fastest of them is scanned."""
    begun_s = due_s = time.monotonic()
    while True:
        found = tags_or_exit(names, state)
        for tag in found:
            past[tag["tag"]].add(tag["value"])
        yield found
        due_s = max(due_s + _period_s(found), time.monotonic())
        if seconds is not None and due_s > begun_s + seconds:
            return
        time.sleep(max(0.0, due_s - time.monotonic()))


def _period_s(found: list[Json]) -> float:
    fastest_ms: float = min(tag["period_ms"] for tag in found)
    return max(_SHORTEST_S, fastest_ms / 1000)


def _table(found: list[Json], past: dict[str, Sparkline]) -> Table:
    rows = table(text("tag"), text("title"), text("value"), text("quality"), text("limits"))
    rows.add_column(shown(text("recent")), no_wrap=True)
    for tag in found:
        quality, recent = tag["quality_words"][language()], str(past[tag["tag"]])
        cells = (tag["tag"], tag["title"], value_of(tag), quality, _limits(tag), recent)
        rows.add_row(*cells, style=_style(tag))
    return rows


def _line(tag: Json) -> str:
    quality = tag["quality_words"][language()]
    return "  ".join((time.strftime("%H:%M:%S"), tag["tag"], value_of(tag), quality, *_beyond(tag)))


def _limits(tag: Json) -> str:
    beyond = _beyond(tag)
    return " ".join(f"{name} {level:g}{'!' * (name in beyond)}" for name, level in tag["limits"].items())


def _beyond(tag: Json) -> list[str]:
    """Return the names of the limits that the value is at or beyond."""
    if tag["value"] is None:
        return []
    value = tag["value"]
    return [
        name
        for name, level in tag["limits"].items()
        if (value <= level if name in ("LL", "L") else value >= level)
    ]


def _style(tag: Json) -> str:
    if tag["value"] is None:
        return "magenta"
    return "red" if _beyond(tag) else ""
