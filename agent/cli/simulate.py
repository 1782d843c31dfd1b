"""`fengsui simulate`: a plant's devices without the plant, with whatever faults are asked for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.cli.describe import plant_or_exit
from agent.cli.exits import Exit
from agent.cli.options import lasting_option, plant_argument
from agent.cli.speech import fail, language, say, shown
from config.load import FILE_NAME
from config.plant import Plant
from config.text import Text, text

if TYPE_CHECKING:
    from agent.simulate.place import Endpoint, Place
    from agent.simulate.scenario import Scenario

_TOLD_EVERY_S: Final = 10.0


def _kinds_of_fault() -> str:
    from agent.simulate.fault import KINDS

    kinds = (f"  {kind:10}  {shown(words)}" for kind, words in KINDS.items())
    return "\n".join(("\b", shown(text("Kinds of fault:")), *kinds))  # \b: click leaves the lines as they are


@click.command(
    help=shown(text("Be the devices that PLANT describes, on this machine, until stopped.")),
    epilog=_kinds_of_fault(),
)
@plant_argument
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help=shown(text("such as late:device=plc1,rate=0.1,start=10s,duration=1min; may be repeated")),
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="TAG=VALUE",
    help=shown(text("a number, or a shape (ramp, sine, walk, step, square) such as sine:0..100,period=30s")),
)
@click.option(
    "--scenario", type=click.Path(path_type=Path), help=shown(text("a file with values and faults"))
)
@click.option("--seed", type=int, help=shown(text("of everything that is left to chance")))
@click.option("--host", default="127.0.0.1", show_default=True, help=shown(text("address to listen on")))
@click.option(
    "--port-base",
    default=0,
    type=click.IntRange(0, 65000),
    help=shown(text("port of the first link, the others follow; by default free ports")),
)
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=shown(text("write a copy of PLANT that leads here, for fengsui run")),
)
@lasting_option
def simulate(
    plant: Path,
    faults: tuple[str, ...],
    values: tuple[str, ...],
    scenario: Path | None,
    seed: int | None,
    host: str,
    port_base: int,
    write: Path | None,
    seconds: float | None,
) -> None:
    """Serve every link of a plant description."""
    from agent.simulate.place import anywhere

    described = plant_or_exit(plant)
    if write is not None and write.resolve() in (plant.resolve(), (plant / FILE_NAME).resolve()):
        fail(text("{file} is the plant itself; write the copy elsewhere", file=write), Exit.USAGE)
    bound = _scenario(described, faults, values, scenario, seed)
    with anywhere(host, port_base) as place:
        try:
            asyncio.run(_Simulation(described, plant, write).run(bound, place, seconds))
        except OSError as error:
            reason = error.strerror or str(error)
            fail(text("the simulation cannot go on: {reason}", reason=reason), Exit.UNAVAILABLE)


def _scenario(
    plant: Plant, faults: tuple[str, ...], values: tuple[str, ...], path: Path | None, seed: int | None
) -> Scenario:
    from agent.simulate.scenario import ScenarioError, Written

    written = Written()
    try:
        if path is not None:
            written.add_file(path)
        written.add_options(values, faults)
        if seed is not None:
            written.seed = seed
        return written.bound_to(plant)
    except ScenarioError as error:
        click.echo(error.show(language()), err=True)
        raise SystemExit(Exit.USAGE) from error


class _Simulation:
    def __init__(self, plant: Plant, source: Path, target: Path | None) -> None:
        self._plant = plant
        self._source = source
        self._target = target

    async def run(self, scenario: Scenario, place: Place, seconds: float | None) -> None:
        """Serve until stopped or the time is over, telling what is asked."""
        from agent.simulate.place import serving

        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with serving(self._plant, scenario, place) as served:
            self._introduce(served)
            telling = asyncio.create_task(_tell(served))
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stop.wait()
            telling.cancel()
        writes = sum(endpoint.writes for endpoint in served.values())
        say(text("asked {times} times, {writes} times to write", times=_requests(served), writes=writes))

    def _introduce(self, served: Mapping[str, Endpoint]) -> None:
        for name, endpoint in served.items():
            say(
                text(
                    "{link} ({type}) at {place}: {devices}",
                    link=name,
                    type=endpoint.link.type,
                    place=endpoint.name,
                    devices=", ".join(endpoint.devices),
                )
            )
        if self._target is not None:
            self._write(self._target, served)
        say(text("Ctrl-C ends the simulation"))

    def _write(self, target: Path, served: Mapping[str, Endpoint]) -> None:
        from agent.simulate.written import STATE_SUFFIX, write_copy

        for uplink in write_copy(self._source, target, served):
            say(text("uplink {uplink} is left out: what is made up must not reach it", uplink=uplink))
        state = target.resolve().with_suffix(STATE_SUFFIX)
        say(text("now run: fengsui run {file}; ask it with --state {state}", file=target, state=state))


async def _tell(served: Mapping[str, Endpoint]) -> None:
    """Say what was asked, as long as something is."""
    told = dict.fromkeys(served, 0)
    while True:
        await asyncio.sleep(_TOLD_EVERY_S)
        for name, endpoint in served.items():
            if fresh := endpoint.requests - told[name]:
                told[name] = endpoint.requests
                say(_asked(name, fresh, endpoint.writes))


def _asked(name: str, fresh: int, writes: int) -> Text:
    return text(
        "{link}: asked {times} times in {seconds} s, {writes} times to write so far",
        link=name,
        times=fresh,
        seconds=round(_TOLD_EVERY_S),
        writes=writes,
    )


def _requests(served: Mapping[str, Endpoint]) -> int:
    return sum(endpoint.requests for endpoint in served.values())
