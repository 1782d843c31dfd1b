"""Load a plant description for a command, or end with all its faults."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from agent.cli.exits import Exit
from agent.cli.speech import language
from config.faults import ConfigError, Fault
from config.load import load
from config.plant import Plant
from config.secrets import missing_secrets


def plant_or_exit(path: Path) -> Plant:
    """Return the plant at `path`; where it is wrong, print every fault and exit 78."""
    try:
        return load(path)
    except ConfigError as error:
        _exit(error)


def secrets_or_exit(plant: Plant) -> None:
    """Make sure that every secret that the plant refers to is there, or print what is missing and exit 78."""
    faults = missing_secrets(plant)
    refuse_if_any(faults)


def refuse_if_any(faults: Sequence[Fault]) -> None:
    """Print the faults and exit 78, where there are any."""
    if faults:
        _exit(ConfigError(faults))


def _exit(error: ConfigError) -> NoReturn:
    click.echo(error.show(language()), err=True)
    sys.exit(Exit.CONFIG)
