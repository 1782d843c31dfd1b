"""Thirty-two units on one bus at 9600 baud, at the bus's own pace: what was predicted is what happens."""

from __future__ import annotations

import asyncio
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
from config.plant import Plant, number_tags
from config.tags import Tag
from config.vocabulary import CLASS_SHIFT, QualityClass, Reason, reason_of
from drivers.modbus.bus import Bus
from drivers.registry import make_drivers, modbus_buses
from tests.agent.test_poll import Recorder
from tests.drivers.paced_bus import PacedBus, paced_bus
from tests.drivers.virtual_loop import run_virtually

UNITS = 32
DEAD = {5, 17, 30}
REGISTERS = 10
PERIOD_S = 3


class LoopClock(SystemClock):
    """The event loop's time, which may be virtual."""

    def boot_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)


@dataclass
class Site:
    plant: Plant
    wire: PacedBus
    sink: Recorder
    bus: Bus

    def starts_s(self, unit: int, from_s: float) -> np.ndarray:
        starts = np.array(self.sink.starts(f"u{unit}")) / 1e9
        return starts[starts >= from_s]

    def qualities(self, unit: int, from_s: float) -> set[int]:
        scans = [scan for name, at, scan in self.sink.scans if name == f"u{unit}" and at / 1e9 >= from_s]
        return {int(word) for scan in scans for word in scan.quality}


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
        sink = Recorder()
        polling = asyncio.create_task(Poller(plant, drivers, sink, LoopClock()).run())
        yield Site(plant, wire, sink, modbus_buses(plant, drivers)["bus"])
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling


def test_three_dead_units_of_thirty_two_cost_the_living_nothing_and_are_noticed_in_time() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with site() as plant:
            await asyncio.sleep(60)
            start_s = loop.time()
            await asyncio.sleep(1200)
            for unit in set(range(1, UNITS + 1)) - DEAD:
                periods = np.diff(plant.starts_s(unit, start_s))
                assert periods.mean() == pytest.approx(PERIOD_S, rel=0.05)
                assert plant.qualities(unit, start_s) == {0}
            assert plant.wire.dead_share(start_s, loop.time()) <= 0.02
            for unit in DEAD:
                assert {reason_of(word) for word in plant.qualities(unit, start_s)} == {
                    Reason.DEMOTED,
                    Reason.TIMEOUT,
                }
            forecast, measured = plant.bus.forecast(), plant.bus.measured(loop.time())
            assert measured.dead == tuple(sorted(DEAD))
            assert measured.cycle_s == pytest.approx(forecast.cycle_s, rel=0.15)
            assert measured.load == pytest.approx(29 / 32 * forecast.load + 0.02, rel=0.15)
            revived_s = loop.time()
            plant.wire.silent.discard(17)
            await asyncio.sleep(3 * forecast.revival_s)
            seen_s = [
                at / 1e9
                for name, at, scan in plant.sink.scans
                if name == "u17"
                and at / 1e9 > revived_s
                and scan.quality[0] >> CLASS_SHIFT < QualityClass.BAD
            ]
            assert seen_s[0] - revived_s <= 3 * forecast.revival_s

    run_virtually(story())
