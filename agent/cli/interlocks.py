"""`fengsui interlocks`: what the plant's interlocks have shown. Nothing here touches them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import orjson

from agent.cli.client import act, answered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.options import for_option, json_option, running_state_option, why_option
from agent.cli.speech import fail, language, say, shown
from agent.cli.tables import show, table
from config.text import Text, text

Json = dict[str, Any]

_EVENTS = {
    "interlock_proven": text("proven"),
    "interlock_failed": text("FAILED"),
    "interlock_indeterminate": text("cannot be told"),
    "interlock_spurious": text("acted without a cause"),
    "interlock_bypassed": text("bypassed"),
    "interlock_bypass_ended": text("bypass ended"),
    "interlock_not_ready": text("not ready"),
    "interlock_ready": text("ready"),
    "interlock_proof_due": text("proof is due"),
    "interlock_cleared": text("cause gone"),
    "demand_interrupted": text("demand was interrupted"),
}


@click.group(
    invoke_without_command=True,
    help=shown(text("Show the interlocks that are witnessed: state, demands, proofs, bypasses.")),
)
@running_state_option
@json_option
@click.pass_context
def interlocks(context: click.Context, state: Path | None, as_json: bool) -> None:
    """Show the interlocks."""
    if context.invoked_subcommand is not None:
        return
    with answered():
        found = ask(find_socket(state), "/interlocks")
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    rows = table(
        *(text("interlock"), text("state"), text("demands"), text("proven"), text("failed")),
        *(text("last proof"), text("next proof"), text("bypasses"), text("bypassed for"), text("remark")),
    )
    for one in found:
        rows.add_row(
            one["interlock"],
            one["state_words"][language()],
            *(str(one[key]) for key in ("demands", "proven", "failed")),
            _ago(one["last_proven_s_ago"]),
            _due(one["proof_due_in_s"]),
            str(one["bypasses"]),
            _span(one["bypassed_s"]),
            _remark(one),
        )
    show(rows)
    if not found:
        say(text("no interlock is described"))


@interlocks.command(help=shown(text("Show what an interlock has proven, failed and been bypassed for.")))
@click.argument("name", metavar="INTERLOCK")
@running_state_option
@json_option
def history(name: str, state: Path | None, as_json: bool) -> None:
    """Show the log of proofs."""
    path = find_socket(state)
    with answered():
        known = [one["interlock"] for one in ask(path, "/interlocks")]
        found = ask(path, f"/history?interlock={quote(name)}")
    if name not in known:
        fail(text("no such interlock: {name}", name=name), Exit.USAGE)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    rows = table(text("what"), text("ago"), text("effect"), text("seen after"), text("allowed"), text("why"))
    for entry in found:
        figures = entry["figures"]
        rows.add_row(
            shown(_EVENTS[entry["event"]]),
            _span(entry["ago_s"]),
            str(figures.get("effect", figures.get("not_held", ""))),
            _elapsed(figures),
            f"{figures['budget_ms'] / 1000:g} s" if "budget_ms" in figures else "",
            str(figures.get("because", "not_held" if "not_held" in figures else "")),
        )
    show(rows)
    if not found:
        say(text("nothing was demanded of it yet"))


@interlocks.command(
    help=shown(text("Silence our notification of an interlock for a time; the plant's goes on."))
)
@click.argument("name", metavar="INTERLOCK")
@for_option
@why_option
@click.option("--end", is_flag=True, help=shown(text("notify again now")))
@running_state_option
def mute(name: str, duration: str | None, why: str | None, end: bool, state: Path | None) -> None:
    """Mute an interlock, or end that."""
    if end:
        with answered():
            act(find_socket(state), "unmute", interlock=name)
        say(text("{interlock} is notified of again", interlock=name))
        return
    if duration is None or why is None:
        fail(text("say for how long and why: --for 2h --why ..."), Exit.USAGE)
    with answered():
        act(find_socket(state), "mute", interlock=name, why=why, **{"for": duration})
    say(text("{interlock} is muted for {duration}", interlock=name, duration=duration))


def _elapsed(figures: Json) -> str:
    least, most = figures.get("elapsed_min_ms"), figures.get("elapsed_max_ms")
    if least is None:
        return ""
    return f"{least / 1000:.2f}..{most / 1000:.2f} s" if most is not None else f"> {least / 1000:.2f} s"


def _span(seconds: float) -> str:
    return shown(text("{seconds} s", seconds=round(seconds)))


def _ago(seconds: float | None) -> str:
    return "-" if seconds is None else shown(text("{seconds} s ago", seconds=round(seconds)))


def _due(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return shown(text("overdue")) if seconds <= 0 else shown(text("in {seconds} s", seconds=round(seconds)))


def _remark(one: Json) -> str:
    remarks: list[Text] = []
    if one["muted"]:
        remarks.append(text("muted"))
    if not one["ready"]:
        remarks.append(text("not ready"))
    if one["inputs_bad"]:
        remarks.append(text("{count} inputs without a good value", count=one["inputs_bad"]))
    return ", ".join(shown(remark) for remark in remarks)
