"""`fengsui tags`: the process image, for people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import orjson

from agent.cli.client import Unanswered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.options import json_option, running_state_option
from agent.cli.speech import fail, language, shown
from agent.cli.tables import show, table
from agent.spans import span_of
from config.text import text
from config.wording import unknown


@click.command(help=shown(text("Show tags: value, quality, since when, and why it is bad.")))
@click.argument("names", nargs=-1, metavar="[TAG]...")
@running_state_option
@json_option
def tags(names: tuple[str, ...], state: Path | None, as_json: bool) -> None:
    """Show all tags, or those named."""
    found = tags_or_exit(names, state)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    rows = table(
        text("tag"), text("title"), text("value"), text("quality"), text("since"), text("defined at")
    )
    for tag in found:
        since = shown(span_of(tag["quality_for_s"]))
        rows.add_row(
            tag["tag"], tag["title"], value_of(tag), tag["quality_words"][language()], since, tag["place"]
        )
    show(rows)


def tags_or_exit(names: tuple[str, ...], state: Path | None) -> list[dict[str, Any]]:
    """Return all tags of the running agent, or those named, or end with what is wrong."""
    path = find_socket(state)
    try:
        if not names:
            return list(ask(path, "/tags"))
        found = {name: ask(path, f"/tags?tag={quote(name)}") for name in names}
        missing = [name for name in names if not found[name]]
        known = [tag["tag"] for tag in ask(path, "/tags")] if missing else []
    except Unanswered as error:
        fail(error.words, Exit.UNAVAILABLE)
    for name in missing:
        click.echo(shown(unknown(text("tag"), name, known)), err=True)
    if missing:
        sys.exit(Exit.USAGE)
    return [tag for name in names for tag in found[name]]


def value_of(tag: dict[str, Any]) -> str:
    """Return a value with its unit, and what it says: `2 (fault)`; of a text the text alone."""
    if tag["text"]:
        return tag["says"] or "-"
    number = "-" if tag["value"] is None else f"{tag['value']:.6g} {tag['unit']}".rstrip()
    return f"{number} ({tag['says']})" if tag["says"] else number
