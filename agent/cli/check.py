"""`fengsui check`: is the plant description right, and what will one scan cost on each link?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import orjson

from agent.cli.describe import plant_or_exit, refuse_if_any
from agent.cli.options import json_option, plant_argument
from agent.cli.speech import language, say, shown
from agent.sizing import Sizing, size_log
from config.faults import Fault
from config.plant import Plant, ScanGroup
from config.secrets import missing_secrets
from config.text import text
from config.units import show_duration, show_size
from config.wording import some

if TYPE_CHECKING:
    from agent.budgets import Budget
    from drivers.contract import Driver
    from drivers.modbus.bus import Bus

_MANY_DAYS: Final = 10
Plans = dict[str, list[tuple[ScanGroup, list[str]]]]
"""By link, its scan groups with the requests of a scan of each."""


@click.command(help=shown(text("Check PLANT without starting anything, and show the requests per link.")))
@plant_argument
@json_option
def check(plant: Path, as_json: bool) -> None:
    """Check a plant description."""
    from agent.budgets import budgets, too_short
    from agent.buses import ALL, MUCH, overloads, words_of
    from drivers.registry import make_drivers, modbus_buses

    described = plant_or_exit(plant)
    drivers = make_drivers(described)
    buses = modbus_buses(described, drivers)
    where = {link: described.where["links", link] for link in buses}
    refuse_if_any([Fault(where[link], words) for link, words in overloads(buses, above=ALL)])
    witnessed = budgets(described, buses)
    refuse_if_any(list(too_short(described, witnessed)))
    plans = _plans(described, drivers)
    remarks = (*described.remarks, *missing_secrets(described))
    for fault in remarks:
        click.echo(fault.show(language()), err=True)
    for link, words in overloads(buses, above=MUCH, up_to=ALL):
        click.echo(Fault(where[link], words).show(language()), err=True)
    if as_json:
        click.echo(orjson.dumps(_json(described, plans, buses), option=orjson.OPT_INDENT_2))
        return
    for link, groups in plans.items():
        say(text("link {link}", link=link))
        if link in buses:
            say(words_of(buses[link].forecast()))
        for group, requests in groups:
            say(
                text(
                    "  {group}: {tags} tags every {period}, {requests} requests a scan",
                    group=group.name,
                    tags=group.count,
                    period=show_duration(described.scan_class_of(group).period),
                    requests=len(requests),
                )
            )
            for request in requests:
                click.echo(f"    {request}")
    _say_budgets(witnessed)
    _say_sizing(described, size_log(described))
    _say_series(described)
    said = text(
        "{plant}: {tags} tags, {devices} devices, {interlocks} interlocks, {uplinks} uplinks; no faults",
        plant=plant,
        tags=len(described.tags),
        devices=len(described.description.devices),
        interlocks=len(described.interlocks),
        uplinks=len(described.description.uplinks),
    )
    say(text("{said}, {count} remarks", said=said, count=len(remarks)) if remarks else said)


def whole_or_tenths(days: float) -> str:
    """Return days, never more than there are; few ones with a tenth."""
    return f"{math.floor(days)}" if days >= _MANY_DAYS else f"{math.floor(10 * days) / 10:g}"


def _say_sizing(plant: Plant, sizing: Sizing) -> None:
    settings = plant.description.log
    say(
        text(
            "log: at most {kept} MB a day, so {cap} keeps {days} days; at most {written} GB a day are "
            "written to the disk",
            kept=round(sizing.kept_bytes / 1e6),
            cap=show_size(settings.cap),
            days=whole_or_tenths(sizing.days),
            written=round(sizing.written_bytes / 1e9, 1),
        )
    )
    if not sizing.enough:
        say(
            text(
                "  that may be less than at_least {at_least}; write cap: {cap}, or lengthen the periods",
                at_least=show_duration(settings.at_least),
                cap=show_size(math.ceil(sizing.at_least_cap_bytes / 1e9) * 10**9),
            )
        )


def _say_series(plant: Plant) -> None:
    """Show every derived series with what it rests on and how late it is."""
    if plant.virtuals:
        say(text("series"))
    for virtual in plant.virtuals:
        say(
            text(
                "  {name}: from {inputs}, every {period}, {delay} behind",
                name=virtual.name,
                inputs=some(virtual.inputs),
                period=show_duration(virtual.fastest_ns),
                delay=show_duration(virtual.delay_ns),
            )
        )


def _say_budgets(witnessed: list[Budget]) -> None:
    """Show what each interlock's time must cover."""
    for budget in witnessed:
        say(
            text(
                "interlock {interlock}: {effect} within {within}, at least {sum}",
                interlock=budget.interlock,
                effect=budget.effect,
                within=show_duration(budget.within_ns),
                sum=budget.words,
            )
        )


def _plans(plant: Plant, drivers: Mapping[str, Driver]) -> Plans:
    plans: Plans = {}
    for group in plant.groups:
        requests = [request.show(language()) for request in drivers[group.device].plan(group)]
        plans.setdefault(plant.device_of(group).link, []).append((group, requests))
    return plans


def _json(plant: Plant, plans: Plans, buses: Mapping[str, Bus]) -> dict[str, object]:
    return {
        "tags": len(plant.tags),
        "digest": plant.digest,
        "log": asdict(size_log(plant)),
        "series": {
            virtual.name: {
                "inputs": virtual.inputs,
                "period_ms": virtual.fastest_ns / 1e6,
                "delay_ms": virtual.delay_ns / 1e6,
            }
            for virtual in plant.virtuals
        },
        "expected": {link: asdict(bus.forecast()) for link, bus in buses.items()},
        "links": {
            link: [
                {
                    "group": group.name,
                    "tags": group.count,
                    "period_ms": plant.scan_class_of(group).period / 1e6,
                    "requests": requests,
                }
                for group, requests in groups
            ]
            for link, groups in plans.items()
        },
    }
