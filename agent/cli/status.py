"""`fengsui status`: what the running agent says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from agent.cli.client import Unanswered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.options import json_option, running_state_option
from agent.cli.speech import fail, language, say, shown
from agent.cli.tables import show, shown_name, table
from agent.spans import local_clock, span_of
from config.text import Text, text

Json = dict[str, Any]


@click.command(help=shown(text("Show how the running agent, its devices, log and uplinks are.")))
@running_state_option
@json_option
def status(state: Path | None, as_json: bool) -> None:
    """Show the status of the running agent."""
    try:
        found = ask(find_socket(state), "/status")
    except Unanswered as error:
        fail(error.words, Exit.UNAVAILABLE)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    _show(found)


def _show(found: Json) -> None:
    say(
        text(
            "gateway {gateway} of {enterprise}, run {run}",
            gateway=found["gateway"],
            enterprise=found["enterprise"],
            run=found["run"],
        )
    )
    for concern in found["concerns"]:
        say(text("attention: {concern}", concern=concern[language()]))
    for alarm in found["alarms"]:
        say(
            text(
                "ALARM {alarm}, {since}",
                alarm=alarm["words"][language()],
                since=_since(found, alarm["for_s"]),
            )
        )
        if alarm["response"]:
            say(text("  to do: {response}", response=alarm["response"]))
    if not found["alarms"] and not found["concerns"]:
        say(text("all well"))
    show(_interlocks(found), _devices(found), _links(found), _grid(found), _uplinks(found))
    _show_log(found)


def _interlocks(found: Json) -> Table:
    rows = table(
        *(text("interlock"), text("state"), text("demands"), text("proven"), text("failed")),
        text("undecided"),
    )
    for interlock in found["interlocks"]:
        demands, proven, failed = (interlock[key] for key in ("demands", "proven", "failed"))
        name = interlock["title"] or interlock["interlock"]
        counts = (str(count) for count in (demands, proven, failed, demands - proven - failed))
        rows.add_row(name, interlock["state_words"][language()], *counts)
    return rows


def _devices(found: Json) -> Table:
    rows = table(text("device"), text("answers"), text("requests"), text("timeouts"), text("refused"))
    for device in found["devices"]:
        answers = shown(text("yes")) if device["answers"] else shown(_lost(found, device["lost_for_s"]))
        counts = (str(device[key]) for key in ("requests", "timeouts", "refused"))
        rows.add_row(shown_name(device["device"], device["title"]), answers, *counts)
    return rows


def _links(found: Json) -> Table:
    """Return the Modbus links; every figure as expected, then as measured."""
    rows = table(
        *(text("link"), text("cycle, expected / measured"), text("load, expected / measured")),
        *(text("not answering"), text("noticed within")),
    )
    for link in found["links"]:
        expected, measured = link["expected"], link["measured"]
        rows.add_row(
            link["link"],
            _beside(1000 * expected["cycle_s"], measured["cycle_s"], 1000, "ms"),
            _beside(100 * expected["load"], measured["load"], 100, "%"),
            ", ".join(str(unit) for unit in measured["dead"]),
            f"{measured['noticed_s']:.0f} s" if measured["dead"] else "",
        )
    return rows


def _beside(expected: float, measured: float | None, scale: float, unit: str) -> str:
    seen = "-" if measured is None else f"{scale * measured:.3g}"
    return f"{expected:.3g} / {seen} {unit}"


def _grid(found: Json) -> Table:
    rows = table(
        text("scan group"), text("period"), text("scans"), text("bad"), text("missed"), text("late p99")
    )
    for group in found["grid"]:
        rows.add_row(
            group["group"],
            f"{group['period_ms']:g} ms",
            str(group["scans"]),
            str(group["scans_bad"]),
            str(group["overruns"] + group["shed"]),
            f"{group['late_ms']['p99']:.1f} ms",
        )
    return rows


def _uplinks(found: Json) -> Table:
    rows = table(text("uplink"), text("connected"), text("delivered"), text("backlog"), text("lost"))
    for uplink in found["uplinks"]:
        streams = uplink["ledger"].values()
        lost = sum(count["records"] for stream in streams for count in stream["lost"].values())
        rows.add_row(
            uplink["uplink"],
            _connected(found, uplink),
            str(sum(stream["delivered"]["records"] for stream in streams)),
            str(sum(stream["backlog"]["records"] for stream in streams)),
            str(lost),
        )
    return rows


def _connected(found: Json, uplink: Json) -> str:
    """Return whether an uplink is connected, since when it is not, and when it is tried again."""
    if uplink["connected"]:
        return shown(text("yes"))
    lost = _lost(found, uplink["for_s"])
    if uplink["next_try_s"] is None:
        return shown(text("{lost}; trying now", lost=lost))
    return shown(text("{lost}; next try in {wait} s", lost=lost, wait=round(uplink["next_try_s"])))


def _lost(found: Json, for_s: float) -> Text:
    return text("no, for {span}, {since}", span=span_of(for_s), since=_since(found, for_s))


def _since(found: Json, for_s: float) -> Text:
    """Return since when something is so, by the clock here; with the date where that is not today."""
    now_s = found["now_utc_s"]
    return text("since {clock}", clock=local_clock(now_s - for_s, now_s))


def _show_log(found: Json) -> None:
    log, readings = found["log"], found["readings"]
    say(
        text(
            "log: {used} MB of {cap} MB; a power cut now would take at most {risk} ms",
            used=round(log["disk_bytes"] / 1e6, 1),
            cap=round(log["cap_bytes"] / 1e6),
            risk=round(log["at_risk_ms"]),
        )
    )
    say(
        text(
            "readings: {scanned} scanned = {recorded} recorded + {suppressed} unchanged + {refused} refused",
            scanned=readings["scanned"],
            recorded=readings["recorded"],
            suppressed=sum(readings["suppressed"].values()),
            refused=readings["refused"],
        )
    )
    ever = readings["ever"]
    say(
        text(
            "since the log began: {scanned} scanned = {recorded} recorded + {suppressed} unchanged "
            "+ {refused} refused",
            scanned=ever["scanned"],
            recorded=ever["recorded"],
            suppressed=sum(ever["suppressed"].values()),
            refused=ever["refused"],
        )
    )
