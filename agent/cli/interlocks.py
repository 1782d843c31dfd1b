"""`fengsui interlocks`: what the plant's interlocks have shown. Nothing here touches them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import orjson

from agent.cli.client import act, answered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.options import for_option, json_option, running_state_option, why_option
from agent.cli.speech import fail, language, say, shown
from agent.cli.tables import show, shown_name, table
from agent.spans import span_of
from config.text import Text, text
from config.wording import unknown

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
    "interlock_cleared": text("the demand is over"),
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
    _show(found)
    if not found:
        say(text("no interlock is described"))


def _show(found: list[Json]) -> None:
    rows = table(
        *(text("interlock"), text("state"), text("demands"), text("proven"), text("failed")),
        text("undecided"),
    )
    for one in found:
        rows.add_row(
            shown_name(one["interlock"], one["title"]),
            one["state_words"][language()],
            *(str(one[key]) for key in ("demands", "proven", "failed")),
            str(one["demands"] - one["proven"] - one["failed"]),
        )
    show(rows)
    for one in found:
        if remark := _remark(one):
            say(text("{interlock}: {remark}", interlock=one["interlock"], remark=remark))
        if one["failed"]:
            _tell_failure(one)


def _tell_failure(one: Json) -> None:
    """Say how an interlock failed last, what is to be done, and who asks for it."""
    name, how = one["title"] or one["interlock"], one["last_failed_words"]
    if how is not None:
        ago = span_of(one["last_failed_s_ago"])
        say(text("{interlock} FAILED {ago} ago: {how}", interlock=name, ago=ago, how=how[language()]))
    _tell_duties(one)


def _tell_duties(one: Json) -> None:
    """Say what is to be done where an interlock has failed, and what asks for it."""
    if one["response"]:
        say(text("  to do: {response}", response=one["response"]))
    if one["basis"]:
        say(text("  basis: {basis}", basis=one["basis"]))


@interlocks.command(help=shown(text("Show what an interlock has proven, failed and been bypassed for.")))
@click.argument("name", metavar="INTERLOCK")
@running_state_option
@json_option
def history(name: str, state: Path | None, as_json: bool) -> None:
    """Show the log of proofs."""
    path = find_socket(state)
    with answered():
        known = {one["interlock"]: one for one in ask(path, "/interlocks")}
        found = ask(path, f"/history?interlock={quote(name)}")
    if name not in known:
        fail(unknown(text("interlock"), name, known), Exit.USAGE)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    rows = table(text("what"), text("ago"), text("effect"), text("seen after"), text("allowed"), text("why"))
    for entry in found:
        for cells in _entry(entry):
            rows.add_row(*cells)
    show(rows)
    _tell_duties(known[name])
    if not found:
        say(text("nothing was demanded of it yet"))


def _entry(entry: Json) -> Iterator[tuple[str, ...]]:
    """Yield what happened, and a row for every further effect that was looked at."""
    what, ago = shown(_EVENTS[entry["event"]]), shown(span_of(entry["ago_s"]))
    why = _in_words(entry["because"])
    if gone := ", ".join(entry["not_held"]):
        why = shown(text("gone again while the cause stood: {effects}", effects=gone))
    if withheld := _in_words(entry["withheld_words"]):
        what = shown(text("{event} ({withheld})", event=what, withheld=withheld))
    if not entry["effects"]:
        yield what, ago, "", "", "", why
    for effect in entry["effects"]:
        allowed = shown(_seconds(effect["budget_ms"]))
        yield what, ago, effect["title"], _elapsed(effect), allowed, _in_words(effect["because_words"])
        what = ago = ""


def _in_words(words: Json | None) -> str:
    return "" if words is None else str(words[language()])


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
        done = act(find_socket(state), "mute", interlock=name, why=why, **{"for": duration})
    say(text("{interlock} is muted for {duration}", interlock=name, duration=span_of(done["for_s"])))


def _elapsed(effect: Json) -> str:
    least, most = effect["elapsed_min_ms"], effect["elapsed_max_ms"]
    if least is None:
        return ""
    if most is None:
        return shown(text("> {seconds} s", seconds=f"{least / 1000:.2f}"))
    return shown(text("{seconds} s", seconds=f"{least / 1000:.2f}..{most / 1000:.2f}"))


def _seconds(milliseconds: float) -> Text:
    return text("{seconds} s", seconds=f"{milliseconds / 1000:g}")


def _due(seconds: float) -> Text:
    return (
        text("proof is overdue") if seconds <= 0 else text("next proof within {span}", span=span_of(seconds))
    )


def _remark(one: Json) -> str:
    remarks: list[Text] = []
    if one["muted"]:
        remarks.append(text("muted"))
    if not one["ready"]:
        remarks.append(text("not ready"))
    if one["inputs_bad"]:
        remarks.append(text("{count} inputs without a good value", count=one["inputs_bad"]))
    if one["last_proven_s_ago"] is not None:
        remarks.append(text("proven {span} ago", span=span_of(one["last_proven_s_ago"])))
    if one["proof_due_in_s"] is not None:
        remarks.append(_due(one["proof_due_in_s"]))
    if one["bypasses"]:
        span = span_of(one["bypassed_s"])
        remarks.append(text("bypassed {count} times, {span}", count=one["bypasses"], span=span))
    return ", ".join(shown(remark) for remark in remarks)
