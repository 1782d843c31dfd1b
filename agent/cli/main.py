"""The command `fengsui`: its commands are imported only when they are called."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Final, cast

import click

from agent.cli.click_words import translate_click
from agent.cli.speech import shown
from config.text import text

_COMMANDS: Final = {
    "run": "agent.cli.run:run",
    "check": "agent.cli.check:check",
    "warm": "agent.cli.warm:warm",
    "status": "agent.cli.status:status",
    "tags": "agent.cli.tags:tags",
    "gaps": "agent.cli.gaps:gaps",
    "alarms": "agent.cli.alarms:alarms",
    "interlocks": "agent.cli.interlocks:interlocks",
    "watch": "agent.cli.watch:watch",
    "maintenance": "agent.cli.maintenance:maintenance",
    "buffer": "agent.cli.buffer:buffer",
    "opcua": "agent.cli.opcua:opcua",
    "receive": "agent.cli.receive:receive",
    "profile": "agent.cli.profile:profile_command",
    "simulate": "agent.cli.simulate:simulate",
    "demo": "agent.cli.demo:demo",
}

translate_click()

_LANGUAGE: Final = click.Option(
    ["--lang"],
    type=click.Choice(["en", "zh"]),
    expose_value=False,
    help=shown(text("language of everything shown; default from LANG")),
)
"""Understood before and behind the command's name; `agent.cli.speech` has read it by then."""


class _LateGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, name = place.split(":")
        return _with_language(cast(click.Command, getattr(importlib.import_module(module), name)))


def _with_language(command: click.Command) -> click.Command:
    """Return a command that takes the language, as do the commands inside it."""
    if _LANGUAGE not in command.params:
        command.params.append(_LANGUAGE)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _with_language(inner)
    return command


@click.command(
    cls=_LateGroup,
    params=[_LANGUAGE],
    help=shown(
        text(
            "Fengsui: polls a plant's devices read-only, judges the readings, keeps them on disk and "
            "forwards them to work-safety platforms. It is not a safety instrumented system."
        )
    ),
)
@click.version_option(version("fengsui"), message="%(version)s")
def main() -> None:
    """Start a command."""
