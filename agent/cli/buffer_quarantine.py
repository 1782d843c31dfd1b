"""`fengsui buffer quarantine`: what platforms refused, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from agent.anchor import unpack_anchor
from agent.bodies import RecordError
from agent.cli.client import act, answered, find_socket
from agent.cli.looking import looking_into
from agent.cli.options import json_option, log_option, running_state_option
from agent.cli.speech import say, shown
from agent.cli.tables import show, table
from buffer.aside import QUARANTINE, Aside, quarantined
from config.text import text
from config.vocabulary import RecordKind


@click.group(
    help=shown(text("Records that a platform refused: list them, send them again, or drop them for good."))
)
def quarantine() -> None:
    """Look into the quarantine."""


@quarantine.command("list", help=shown(text("List what is in quarantine, and why.")))
@log_option
@json_option
def list_command(log: Path, as_json: bool) -> None:
    """List records; works whether or not an agent runs."""
    with looking_into(log):
        found = list(quarantined(log / QUARANTINE))
    if as_json:
        click.echo(orjson.dumps([_json(aside) for aside in found], option=orjson.OPT_INDENT_2))
        return
    if not found:
        say(text("nothing is in quarantine"))
    rows = table(text("uplink"), text("record"), text("time"), text("readings"), text("why"))
    for aside in found:
        when = _utc(aside)
        local = "" if when is None else when.astimezone().isoformat(" ", timespec="seconds")
        rows.add_row(aside.uplink, aside.name, local, str(aside.record.count), aside.why)
    show(rows)


_uplink = click.argument("uplink", metavar="UPLINK")
_records = click.argument("records", nargs=-1, required=True, metavar="RECORD...|all")


@quarantine.command("resend", help=shown(text("Send records to their uplink again; the agent must run.")))
@_uplink
@_records
@running_state_option
def resend(uplink: str, records: tuple[str, ...], state: Path | None) -> None:
    """Ask the agent to send records again."""
    with answered():
        done = act(find_socket(state), "resend_quarantined", uplink=uplink, records=",".join(records))
    say(text("{count} records are sent again", count=len(done["records"])))


@quarantine.command(
    "drop", help=shown(text("Delete records for good; the loss is recorded. The agent must run."))
)
@_uplink
@_records
@running_state_option
def drop(uplink: str, records: tuple[str, ...], state: Path | None) -> None:
    """Ask the agent to delete records."""
    with answered():
        done = act(find_socket(state), "drop_quarantined", uplink=uplink, records=",".join(records))
    say(text("{count} records are dropped", count=len(done["records"])))


def _utc(aside: Aside) -> datetime | None:
    """Return when a record ends, as far as its own anchor tells."""
    anchor = aside.preamble.get(RecordKind.ANCHOR)
    try:
        utc_ns = None if anchor is None else unpack_anchor(anchor).utc_ns_of(aside.record.last_boot_ns)
    except RecordError:
        return None
    return None if utc_ns is None else datetime.fromtimestamp(utc_ns / 1e9, UTC)


def _json(aside: Aside) -> dict[str, object]:
    when = _utc(aside)
    return {
        "uplink": aside.uplink,
        "record": aside.name,
        "kind": aside.record.kind.name.lower(),
        "utc": None if when is None else when.isoformat(),
        "readings": aside.record.count,
        "why": aside.why,
    }
