"""`fengsui run`: the agent itself."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from agent import journal
from agent.cli.describe import plant_or_exit, secrets_or_exit
from agent.cli.exits import Exit
from agent.cli.options import plant_argument, state_option
from agent.cli.speech import fail, language, shown
from agent.idle import IdleSelector
from agent.layout import Layout
from agent.stop import hold_signals, stop_on_signals
from config.plant import Plant
from config.text import text


@click.command(help=shown(text("Poll, judge, keep and forward what PLANT describes, until stopped.")))
@plant_argument
@state_option
def run(plant: Path, state: Path | None) -> None:
    """Run the agent in the foreground."""
    hold_signals()
    _take_standard_descriptors()
    journal.open_journal(language())
    described = plant_or_exit(plant)
    secrets_or_exit(described)
    layout = Layout.of(state, described.description.gateway.state)
    _run(described, layout)


def _take_standard_descriptors() -> None:
    """Fill the places of closed standard streams, lest a file of the log stands where a library writes."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _run(plant: Plant, layout: Layout) -> None:
    from agent.runtime import DiskFailed, DiskHealed
    from agent.status_server import SocketPathTooLong, SocketUnusable, check_path
    from buffer.errors import AlreadyRunning, LogError

    try:
        check_path(layout.socket)
        selector = IdleSelector()
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            runner.run(_until_stopped(plant, layout, selector))
    except AlreadyRunning as error:
        fail(error.words, Exit.TRY_AGAIN)
    except SocketPathTooLong as error:
        fail(error.words, Exit.CONFIG)
    except (LogError, SocketUnusable) as error:
        fail(error.words, Exit.CANNOT_CREATE)
    except DiskHealed:
        sys.exit(Exit.TRY_AGAIN)
    except DiskFailed as error:
        fail(text("the log cannot be written: {cause}", cause=error.__cause__), Exit.FAILED)


async def _until_stopped(plant: Plant, layout: Layout, selector: IdleSelector) -> None:
    from agent.clock import SystemClock
    from agent.litter import small_portions
    from agent.memory import give_back_start_memory
    from agent.runtime import run_agent
    from agent.wiring import wire
    from filters.kernels import load_kernels

    stop = stop_on_signals()
    journal.info(text("loading the compiled kernels; the first time takes up to a minute"))
    kernels = load_kernels(layout.kernel_cache)
    wiring = wire(plant, layout, SystemClock(), kernels, lambda: selector.idle_ns)
    give_back_start_memory()
    with small_portions():
        await run_agent(wiring, layout, stop)
