"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.speech import shown
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
json_option = click.option("--json", "as_json", is_flag=True, help=shown(text("print JSON")))
for_option = click.option("--for", "duration", metavar="2h", help=shown(text("for how long")))
why_option = click.option("--why", metavar="TEXT", help=shown(text("why; it is kept with your name")))
