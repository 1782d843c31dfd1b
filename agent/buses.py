"""Modbus links for people: what each is expected to cost, what it does cost, and what is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import inf
from typing import Final

from config.text import Text, text
from drivers.modbus.bus import Bus
from drivers.modbus.forecast import Forecast

Json = dict[str, object]

MUCH: Final = 0.7
"""Load from which a link has no room left for an answer that comes late."""

ALL: Final = 1.0


def overloads(buses: Mapping[str, Bus], *, above: float, up_to: float = inf) -> Iterator[tuple[str, Text]]:
    """Yield every link whose expected load lies above the one share and not above the other, with words."""
    for name, bus in buses.items():
        load = bus.forecast().load
        if above < load <= up_to:
            yield name, _overload(name, load)


def words_of(expected: Forecast) -> Text:
    """Return a forecast for people."""
    noticed = text("{seconds} s", seconds=f"{expected.revival_s:.3g}")
    if expected.all_but_one_s > expected.revival_s:
        noticed = text(
            "{seconds} s ({all_but_one} s where only one is alive)",
            seconds=f"{expected.revival_s:.3g}",
            all_but_one=f"{expected.all_but_one_s:.3g}",
        )
    return text(
        "  a cycle takes {cycle} ms, load {load} %; a dead unit that comes back is noticed within {noticed}",
        cycle=f"{1000 * expected.cycle_s:.3g}",
        load=f"{100 * expected.load:.2g}",
        noticed=noticed,
    )


def buses_now(buses: Mapping[str, Bus]) -> list[Json]:
    """Return what every link was expected to cost and what it did of late; on the event loop."""
    now_s = asyncio.get_running_loop().time()
    return [
        {"link": name, "expected": asdict(bus.forecast()), "measured": asdict(bus.measured(now_s))}
        for name, bus in buses.items()
    ]


def _overload(name: str, load: float) -> Text:
    percent = f"{100 * load:.0f}"
    if load > ALL:
        return text(
            'link "{name}" would need {percent} % of its time; scan slower, divide the devices over more '
            "links, or set answer_time if they answer faster",
            name=name,
            percent=percent,
        )
    return text(
        'link "{name}" will be busy {percent} % of the time; above {much} % a late answer delays all others',
        name=name,
        percent=percent,
        much=round(100 * MUCH),
    )
