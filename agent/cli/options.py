"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path

import click

from agent.cli.exits import Exit
from agent.cli.speech import fail, shown
from agent.layout import Layout
from config.faults import WrongValue
from config.text import text
from config.units import parse_duration_ns

# what is wrong with a path is said where it is used, in the person's language
plant_argument = click.argument("plant", type=click.Path(path_type=Path), metavar="PLANT")
state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    help=shown(text("state directory; default: what the plant description says")),
)
running_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    help=shown(text("state directory of the running agent")),
)
warm_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    help=shown(text("state directory whose cache to fill; default: what PLANT says, or the service's")),
)
log_option = click.option(
    "--state",
    "log",
    type=click.Path(path_type=Path),
    callback=lambda _context, _option, state: log_directory(state),
    metavar="DIR",
    help=shown(text("state directory of an agent, or a copy of its log")),
)


def _seconds(_context: click.Context, _option: click.Parameter, duration: str | None) -> float | None:
    try:
        return None if duration is None else parse_duration_ns(duration) / 1e9
    except WrongValue as error:
        fail(error.words, Exit.USAGE)


lasting_option = click.option(
    "--for",
    "seconds",
    metavar="DURATION",
    callback=_seconds,
    help=shown(text("end after this time, such as 30s")),
)
json_option = click.option("--json", "as_json", is_flag=True, help=shown(text("print JSON")))
for_option = click.option("--for", "duration", metavar="2h", help=shown(text("for how long")))
why_option = click.option("--why", metavar="TEXT", help=shown(text("why; it is kept with your name")))


def log_directory(state: Path | None) -> Path:
    """Return the log of a state directory, or that very directory where it is a copy of a log."""
    log = Layout.of(state).log
    return log if state is None or os.path.isdir(log) else state  # noqa: PTH112 - False where we may not look
