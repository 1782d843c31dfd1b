"""Thirty-two units on one bus at 9600 baud, at the bus's own pace: what was predicted is what happens."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agent.clock import SystemClock
from agent.poll import Poller
from agent.simulate.modbus import Unit
from config.faults import Place
from config.models import Description
from config.plant import Plant, ScanGroup, number_tags
from config.tags import Tag
from config.turns import Pieces
from config.vocabulary import GOOD, Reason, bad, reason_of
from drivers.contract import Scan
from drivers.modbus.bus import Bus
from drivers.registry import make_drivers, modbus_buses
from tests.drivers.paced_bus import PacedBus, paced_bus
from tests.drivers.virtual_loop import run_virtually

UNITS = 32
DEAD = {5, 17, 30}
REGISTERS = 10
PERIOD_S = 3
SILENCE_S = 1.0 + 0.1 + (8 + 25) * 11 / 9600  # timeout, settling, the frames that were waited for


class LoopClock(SystemClock):
    """The event loop's time, which may be virtual."""

    def boot_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)


class Book:
    """A sink that keeps, by device, when each scan began and the quality of its first tag."""

    def __init__(self) -> None:
        self.scans: dict[str, list[tuple[float, int]]] = defaultdict(list)

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        assert len(set(scan.quality)) == 1
        self.scans[group.device].append((start_boot_ns / 1e9, int(scan.quality[0])))
        yield from ()

    def device_lost(self, *_: object) -> None:
        pass

    def device_lost_otherwise(self, *_: object) -> None:
        pass

    def device_restored(self, *_: object) -> None:
        pass


@dataclass
class Site:
    plant: Plant
    wire: PacedBus
    book: Book
    bus: Bus

    def scans(self, unit: int, from_s: float) -> list[tuple[float, int]]:
        return [(at, word) for at, word in self.book.scans[f"u{unit}"] if at >= from_s]


def plant_on(port: int, **link: object) -> Plant:
    wire = {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": port, "baud": 9600, **link}
    devices = {f"u{unit}": {"link": "bus", "unit_id": unit} for unit in range(1, UNITS + 1)}
    description = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "E1", "name": "gw"},
            "scan_classes": {"normal": {"period": f"{PERIOD_S}s"}},
            "links": {"bus": wire},
            "devices": devices,
            "points": ["points.csv"],
        }
    )
    tags = [
        Tag(tag=f"{device}r{at}", device=device, scan_class="normal", address=f"hr:{at}")
        for device in devices
        for at in range(REGISTERS)
    ]
    return number_tags(description, [(tag, Place(Path("points.csv"))) for tag in tags], digest="")


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    units = {unit: Unit(64) for unit in range(1, UNITS + 1)}
    async with paced_bus(units) as (wire, port):
        wire.silent = set(DEAD)
        plant = plant_on(port)
        drivers = make_drivers(plant)
        book = Book()
        polling = asyncio.create_task(Poller(plant, drivers, book, LoopClock()).run())
        yield Site(plant, wire, book, modbus_buses(plant, drivers)["bus"])
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling


async def three_dead_of_thirty_two(for_s: float) -> None:
    """Let the bus run for a time, and one of the dead come back then."""
    loop = asyncio.get_running_loop()
    async with site() as plant:
        await asyncio.sleep(120)
        start_s = loop.time()
        await asyncio.sleep(for_s)
        for unit in set(range(1, UNITS + 1)) - DEAD:
            starts_s, words = zip(*plant.scans(unit, start_s), strict=True)
            assert np.diff(starts_s).mean() == pytest.approx(PERIOD_S, rel=0.05)
            assert set(words) == {GOOD}
            asked_s = np.diff(plant.wire.asked_s(unit, start_s, loop.time()))
            assert asked_s.mean() == pytest.approx(PERIOD_S, rel=0.05)
            assert (abs(asked_s - PERIOD_S) <= 0.05 * PERIOD_S).mean() >= 0.9
            assert asked_s.max() <= PERIOD_S + SILENCE_S  # one question to a dead unit, never two
        dead_share = plant.wire.dead_share(start_s, loop.time(), SILENCE_S)
        assert dead_share <= 0.02
        for unit in DEAD:
            reasons = {reason_of(word) for _, word in plant.scans(unit, start_s)}
            assert reasons == {Reason.DEMOTED, Reason.TIMEOUT}
        forecast, measured = plant.bus.forecast(), plant.bus.measured(loop.time())
        assert measured.dead == tuple(sorted(DEAD))
        assert measured.cycle_s == pytest.approx(forecast.cycle_s, rel=0.15)
        assert measured.load == pytest.approx(29 / 32 * forecast.load + 0.02, rel=0.15)
        revived_s, within_s = loop.time(), measured.noticed_s
        plant.wire.silent.discard(17)
        await asyncio.sleep(within_s + PERIOD_S)
        seen_s = next(at for at, word in plant.scans(17, revived_s) if word < bad(Reason.NONE))
        assert seen_s - revived_s <= within_s
    print(
        f"dead {100 * dead_share:.2f} % of bus time; cycle expected {forecast.cycle_s:.3f} s, "
        f"measured {measured.cycle_s:.3f} s; noticed after {seen_s - revived_s:.0f} s, bound {within_s:.0f} s"
    )


def test_dead_units_cost_the_living_next_to_nothing_and_are_noticed_in_time() -> None:
    run_virtually(three_dead_of_thirty_two(300))


@pytest.mark.torture
def test_dead_units_cost_the_living_next_to_nothing_for_an_hour() -> None:
    run_virtually(three_dead_of_thirty_two(3600))
