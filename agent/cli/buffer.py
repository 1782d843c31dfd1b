"""`fengsui buffer`: how full the log is, what waits for whom, and how long that will take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agent.cli.buffer_export import export
from agent.cli.buffer_quarantine import quarantine
from agent.cli.client import NotRunning, Unanswered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.looking import looking_into
from agent.cli.options import json_option, log_directory, running_state_option
from agent.cli.speech import fail, say, shown
from agent.cli.tables import show, table
from agent.spans import span_of
from buffer.inspect import backlogs, survey
from config.text import Text, text

LOOK_S: Final = 2.0
_DAY_S: Final = 86_400
Json = dict[str, Any]

_FORECASTS: Final = {
    "empty": text("nothing waits"),
    "keeps_up": text("goes as it comes"),
    "disconnected": text("not without a connection"),
    "grows": text("not at the present rate"),
    "stands": text("nothing moved just now"),
    "not_running": text("when an agent runs"),
}


@click.group(
    invoke_without_command=True,
    help=shown(
        text(
            "Show the log: size, age, what waits for every uplink and until when, and how much is written "
            "to the disk in a day. Where no agent runs: as it lies on the disk."
        )
    ),
)
@running_state_option
@json_option
@click.pass_context
def buffer(context: click.Context, state: Path | None, as_json: bool) -> None:
    """Show how the log stands."""
    if context.invoked_subcommand is not None:
        return
    found = _found(state)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        _show(found)


def _found(state: Path | None) -> Json:
    path = find_socket(state)
    try:
        before, began_s = ask(path, "/status"), time.monotonic()
        time.sleep(LOOK_S)
        after, passed_s = ask(path, "/status"), time.monotonic() - began_s
    except NotRunning as error:
        return _on_disk(log_directory(state), error.words)
    except Unanswered as error:
        fail(error.words, Exit.UNAVAILABLE)
    return _running(before, after, passed_s)


def _running(before: Json, after: Json, passed_s: float) -> Json:
    """Return how a running agent's log stands, and how fast its backlogs have changed between two looks."""
    log = after["log"]
    per_day = None if log["written_bytes"] is None else log["written_bytes"] / log["written_for_s"] * _DAY_S
    earlier = {uplink["uplink"]: uplink for uplink in before["uplinks"]}
    return {
        "running": True,
        **{key: log[key] for key in ("disk_bytes", "cap_bytes", "segments", "oldest_age_s")},
        "written_bytes_per_day": per_day,
        "uplinks": [_uplink(uplink, earlier[uplink["uplink"]], passed_s) for uplink in after["uplinks"]],
    }


def _uplink(uplink: Json, earlier: Json, passed_s: float) -> Json:
    """Return how an uplink stands, and what that says beside how it stood `passed_s` ago."""
    waiting = sum(_records(uplink, "backlog").values())
    shrunk = sum(_records(earlier, "backlog").values()) - waiting
    sent = sum(_records(uplink, "delivered").values()) - sum(_records(earlier, "delivered").values())
    drained_in_s = waiting * passed_s / shrunk if shrunk > 0 else None
    return {
        "uplink": uplink["uplink"],
        "connected": uplink["connected"],
        "backlog": _records(uplink, "backlog"),
        "drained_in_s": drained_in_s if waiting else 0.0,
        "forecast": forecast(waiting, shrunk=shrunk, sent=sent, connected=uplink["connected"]),
    }


def forecast(waiting: int, *, shrunk: int, sent: int, connected: bool) -> str:
    """Return what two looks say of a backlog: a code of `_FORECASTS`, or `drains`.

    `waiting` now, `shrunk` by so many records between the looks, in which `sent` were delivered.
    """
    if not waiting:
        return "empty"
    if not connected:
        return "disconnected"
    if sent >= waiting:
        return "keeps_up"  # what waits now has come since
    if shrunk > 0:
        return "drains"
    return "grows" if shrunk < 0 else "stands"


def _records(uplink: Json, part: str) -> dict[str, int]:
    return {stream: balance[part]["records"] for stream, balance in uplink["ledger"].items()}


def _on_disk(directory: Path, why: Text) -> Json:
    with looking_into(directory):
        segments = survey(directory)
        waiting = backlogs(directory, segments)
    if not segments:
        fail(why, Exit.UNAVAILABLE)
    oldest_ns = min(segment.opening.created_utc_ns for segment in segments)
    return {
        "running": False,
        "disk_bytes": sum(segment.size_bytes for segment in segments),
        "cap_bytes": None,
        "segments": len(segments),
        "oldest_age_s": max(0.0, (time.time_ns() - oldest_ns) / 1e9),
        "written_bytes_per_day": None,
        "uplinks": [
            {
                "uplink": uplink,
                "connected": False,
                "backlog": {stream.name.lower(): count.records for stream, count in streams.items()},
                "drained_in_s": None,
                "forecast": "not_running" if any(count.records for count in streams.values()) else "empty",
            }
            for uplink, streams in waiting.items()
        ],
    }


def _show(found: Json) -> None:
    if not found["running"]:
        say(text("no agent runs here; this is what lies on the disk"))
    used, cap = round(found["disk_bytes"] / 1e6, 1), found["cap_bytes"]
    size: Text | str = f"{used} MB"
    if cap is not None:
        size = text("{used} MB of {cap} MB", used=used, cap=round(cap / 1e6))
    age = span_of(found["oldest_age_s"] or 0)
    say(
        text(
            "{size} in {segments} segments, the oldest begun {age} ago",
            size=size,
            segments=found["segments"],
            age=age,
        )
    )
    if found["written_bytes_per_day"] is not None:
        mb = round(found["written_bytes_per_day"] / 1e6)
        say(text("written to the disk: {mb} MB a day at the present rate", mb=mb))
    rows = table(text("uplink"), text("connected"), text("events"), text("readings"), text("drained in"))
    for uplink in found["uplinks"]:
        rows.add_row(
            uplink["uplink"],
            shown(text("yes") if uplink["connected"] else text("no")),
            str(uplink["backlog"]["events"]),
            str(uplink["backlog"]["readings"]),
            _until(uplink),
        )
    show(rows)


def _until(uplink: Json) -> str:
    told = _FORECASTS.get(uplink["forecast"])
    return shown(span_of(uplink["drained_in_s"]) if told is None else told)


buffer.add_command(export)
buffer.add_command(quarantine)
