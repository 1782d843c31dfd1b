"""`fengsui maintenance`: what is being worked on, and when that ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from agent.cli.client import act, answered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.options import for_option, json_option, running_state_option, why_option
from agent.cli.speech import fail, say, shown
from agent.cli.tables import show, table
from agent.spans import span_of
from config.text import text


@click.command(
    help=shown(
        text(
            "Take a device or tag out of service for a time: its readings are flagged, its alarms are kept "
            "but not sent as alarms. Without arguments, show what is out of service."
        )
    )
)
@click.argument("subject", required=False, metavar="[DEVICE|TAG]")
@for_option
@why_option
@click.option("--calibration", is_flag=True, help=shown(text("calibration: test gas or weights are coming")))
@click.option("--end", is_flag=True, help=shown(text("return it to service now")))
@running_state_option
@json_option
def maintenance(
    subject: str | None,
    duration: str | None,
    why: str | None,
    calibration: bool,
    end: bool,
    state: Path | None,
    as_json: bool,
) -> None:
    """Begin, end or list maintenance."""
    path = find_socket(state)
    if subject is None:
        with answered():
            _show(ask(path, "/maintenance"), as_json=as_json)
        return
    if not end and (duration is None or why is None):
        fail(text("say for how long and why: --for 2h --why ..."), Exit.USAGE)
    with answered():
        if end:
            found = act(path, "end_maintenance", subject=subject)
        else:
            found = act(
                path, "maintain", subject=subject, **{"for": duration}, why=why, calibration=calibration
            )
    if as_json:
        click.echo(orjson.dumps(found))
    elif end:
        say(text("{subject} is in service again", subject=subject))
    else:
        span = span_of(found["for_s"])
        say(text("{subject} is out of service for {duration}", subject=subject, duration=span))


def _show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        say(text("nothing is out of service"))
        return
    rows = table(text("device or tag"), text("still for"), text("by"), text("why"))
    for hold in found:
        rows.add_row(hold["name"], shown(span_of(hold["left_s"])), hold["who"], hold["why"])
    show(rows)
