"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path

import click

from agent.cli.speech import shown
from agent.layout import Layout
from config.text import text

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
log_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    help=shown(text("state directory whose log to read, or a copy of the log; default: the service's")),
)
log_option = click.option(
    "--state",
    "log",
    type=click.Path(path_type=Path),
    callback=lambda _context, _option, state: log_directory(state),
    metavar="DIR",
    help=shown(text("state directory of an agent, or a copy of its log")),
)
json_option = click.option("--json", "as_json", is_flag=True, help=shown(text("print JSON")))
for_option = click.option("--for", "duration", metavar="2h", help=shown(text("for how long")))
why_option = click.option("--why", metavar="TEXT", help=shown(text("why; it is kept with your name")))


def log_directory(state: Path | None) -> Path:
    """Return the log of a state directory, or that very directory where it is a copy of a log."""
    log = Layout.of(state).log
    return log if state is None or os.path.isdir(log) else state  # noqa: PTH112 - False where we may not look
