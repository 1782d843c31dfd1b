"""`fengsui warm`: compile the kernels before the service starts."""

from __future__ import annotations

import time
from pathlib import Path

import click

from agent.cli.describe import plant_or_exit
from agent.cli.options import warm_state_option
from agent.cli.speech import say, shown
from agent.layout import Layout
from config.text import text


@click.command(help=shown(text("Compile the kernels into the cache, so that `run` starts quickly.")))
@click.argument("plant", type=click.Path(path_type=Path), metavar="[PLANT]", required=False)
@warm_state_option
def warm(plant: Path | None, state: Path | None) -> None:
    """Compile or load every kernel once."""
    from filters.kernels import load_kernels

    begun = time.perf_counter()
    layout = (
        Layout.of(state)
        if plant is None
        else Layout.of(state, plant_or_exit(plant).description.gateway.state)
    )
    kernels = load_kernels(layout.kernel_cache)
    if kernels.words is not None:
        say(kernels.words)
    say(text("kernels ready after {seconds} s", seconds=f"{time.perf_counter() - begun:.1f}"))
