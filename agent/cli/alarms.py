"""`fengsui alarms`: what stands, and what people do with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agent.cli.client import act, answered, ask, find_socket
from agent.cli.exits import Exit
from agent.cli.options import for_option, json_option, running_state_option, why_option
from agent.cli.speech import fail, language, say, shown
from agent.cli.tables import show, table
from agent.spans import span_of
from config.text import text

Json = dict[str, Any]

_AT_ONCE: Final = 200


@click.group(
    invoke_without_command=True,
    help=shown(text("Show the alarms that stand or wait to be acknowledged; acknowledge or shelve them.")),
)
@click.option("--all", "whole", is_flag=True, help=shown(text("all of them, however many")))
@running_state_option
@json_option
@click.pass_context
def alarms(context: click.Context, whole: bool, state: Path | None, as_json: bool) -> None:
    """Show the alarms."""
    if context.invoked_subcommand is not None:
        return
    path = find_socket(state)
    with answered():
        found = list(_pages(path)) if whole or as_json else [ask(path, "/alarms")]
        shelves = ask(path, "/shelves")
    listed = [alarm for page in found for alarm in page["alarms"]]
    if as_json:
        click.echo(orjson.dumps({"alarms": listed, "shelves": shelves}, option=orjson.OPT_INDENT_2))
        return
    _show(listed, shelves, found[0]["total"])


@alarms.command(help=shown(text("Acknowledge alarms; one that is latched and over is reset by it.")))
@click.argument("names", nargs=-1, metavar="[ALARM]...")
@click.option("--all", "whole", is_flag=True, help=shown(text("all that there are now")))
@running_state_option
def ack(names: tuple[str, ...], whole: bool, state: Path | None) -> None:
    """Acknowledge alarms."""
    path = find_socket(state)
    with answered():
        chosen = _names(path) if whole else names
        if not chosen and not whole:
            fail(text("name the alarms, or say --all"), Exit.USAGE)
        for start in range(0, len(chosen), _AT_ONCE):
            act(path, "acknowledge", alarms=chosen[start : start + _AT_ONCE])
    say(text("{count} alarms acknowledged", count=len(chosen)))


@alarms.command(help=shown(text("Set an alarm aside for a time: it is kept, but not told as an alarm.")))
@click.argument("name", metavar="ALARM")
@for_option
@why_option
@running_state_option
def shelve(name: str, duration: str | None, why: str | None, state: Path | None) -> None:
    """Shelve an alarm."""
    if duration is None or why is None:
        fail(text("say for how long and why: --for 2h --why ..."), Exit.USAGE)
    with answered():
        done = act(find_socket(state), "shelve", alarm=name, why=why, **{"for": duration})
    say(text("{alarm} is shelved for {duration}", alarm=name, duration=span_of(done["for_s"])))


@alarms.command(help=shown(text("Take an alarm from the shelf.")))
@click.argument("name", metavar="ALARM")
@running_state_option
def unshelve(name: str, state: Path | None) -> None:
    """Unshelve an alarm."""
    with answered():
        act(find_socket(state), "unshelve", alarm=name)
    say(text("{alarm} is shelved no more", alarm=name))


def _names(path: Path) -> tuple[str, ...]:
    return tuple(alarm["rule"] for page in _pages(path) for alarm in page["alarms"])


def _pages(path: Path) -> Iterator[Json]:
    following: int | None = 0
    while following is not None:
        page = ask(path, f"/alarms?from={following}")
        yield page
        following = page["next"]


def _tell(alarm: Json) -> None:
    """Print an alarm with its name, as commands take it, and below it what it says and what is to be done."""
    state, withheld = alarm["state_words"][language()], alarm["withheld_words"]
    if withheld:
        said = text(
            "{alarm}: {state}; not told: {why}", alarm=alarm["rule"], state=state, why=withheld[language()]
        )
    else:
        said = text("{alarm}: {state}", alarm=alarm["rule"], state=state)
    say(said)
    click.echo(f"  {alarm['words'][language()]}")
    if alarm["response"]:
        say(text("  to do: {response}", response=alarm["response"]))


def _show(listed: list[Json], shelves: list[Json], total: int) -> None:
    if not total:
        say(text("no alarm stands"))
    for alarm in listed:
        _tell(alarm)
    shelved = table(text("shelved"), text("still for"), text("by"), text("why"))
    for shelf in shelves:
        left = shown(span_of(shelf["left_s"]))
        shelved.add_row(shelf["name"], left, shelf["who"], shelf["why"])
    show(shelved)
    if len(listed) < total:
        say(text("and {count} more: --all shows them", count=total - len(listed)))
