"""`fengsui demo`: see the whole program at work on a small plant, with its accounts checked at the end."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape

from agent.cli.exits import Exit
from agent.cli.options import json_option
from agent.cli.speech import fail, language, shown
from agent.demo.scenario import SHORTEST_S
from config.text import Text, text

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


@click.command(
    help=shown(text("Run a small casting plant, a broker, the agent and a receiver, and check the accounts."))
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=SHORTEST_S, max=3600),
    default=45,
    show_default=True,
    help=shown(text("length of the scenario")),
)
@json_option
def demo(seconds: float, as_json: bool) -> None:
    """Play the demo; exit 0 only if every account agrees and every expected event arrived."""
    from agent.demo.broker import BrokerFailed
    from agent.demo.play import play
    from agent.demo.processes import DemoFailed

    if find_spec("iotcore") is None:
        fail(text("the demo needs {module}; install fengsui[demo]", module="iotcore"), Exit.UNAVAILABLE)
    console = Console(stderr=as_json, highlight=False)
    begun = time.monotonic()

    def say(words: Text) -> None:
        passed_s = f"{time.monotonic() - begun:5.1f} s"
        console.print(f"[bold cyan]{passed_s}  {escape(shown(words))}[/]", soft_wrap=True)

    def show(event: dict[str, Any], _arrived: object) -> None:
        said = escape(event["text"][language()])
        console.print(f"         [{_STYLES[event['priority']]}]{event['event']:24} {said}[/]", soft_wrap=True)

    with tempfile.TemporaryDirectory(prefix="fengsui-demo-") as folder:
        try:
            verdict = asyncio.run(play(Path(folder), seconds, say, show))
        except (BrokerFailed, DemoFailed) as error:
            fail(text("the demo failed: {error}", error=error.words), Exit.FAILED)
        if not verdict.good:
            console.print(escape((Path(folder) / "agent.log").read_text(encoding="utf-8")))
    for check in verdict.checks:
        mark = "[green]ok  [/]" if check.good else "[bold red]BAD [/]"
        console.print(f"{mark} {escape(shown(check.words))}", soft_wrap=True)
    if as_json:
        click.echo(orjson.dumps({"good": verdict.good, **verdict.figures}, option=orjson.OPT_INDENT_2))
    sys.exit(Exit.OK if verdict.good else Exit.FAILED)
