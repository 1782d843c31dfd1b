"""Load a plant description for a command, or end with all its faults."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agent.cli.exits import Exit
from agent.cli.speech import language
from config.faults import ConfigError
from config.load import load
from config.plant import Plant


def plant_or_exit(path: Path) -> Plant:
    """Return the plant at `path`; where it is wrong, print every fault and exit 78."""
    try:
        return load(path)
    except ConfigError as error:
        click.echo(error.show(language()), err=True)
        sys.exit(Exit.CONFIG)
