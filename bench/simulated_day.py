"""Simulated hours of the real pipeline, log, forwarder and codec in one process, in virtual time.

`python -m bench.simulated_day [--hours 24] [--tags 50]` prints what it found as JSON. Every hour something
goes wrong: the platform is away for ten minutes, the device silent for five, alarms come and go, the clock
steps.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import orjson

from agent.heartbeat import Heartbeat
from agent.layout import Layout
from agent.memory import give_back_start_memory
from agent.past import take_up
from agent.ranges import Ranges
from agent.uplinks.contract import Message, UplinkDown
from agent.uplinks.forward import Forwarder
from agent.wiring import Wiring, wire
from bench.process import pss_bytes
from config.load import load
from config.text import text
from config.turns import at_once
from config.units import S
from config.vocabulary import Reason, Stream
from drivers.contract import Scan
from filters.kernels import load_kernels
from tests.virtual import VirtualClock, settle

HOUR_S: Final = 3600
AWAY_S: Final = (1200, 1800)
SILENT_S: Final = (2400, 2700)
STEP_S: Final = 3000
DRAIN_EVERY_S: Final = 60
PATIENCE_S: Final = 60.0
DELIVERED_WITHIN_S: Final = 60.0
UPLINK: Final = "province"

PLANT: Final = """
fengsui: 1
gateway: {enterprise: soak-works, name: gw-1}
scan_classes: {normal: {period: 1s}}
links: {plc: {type: modbus-tcp, host: 127.0.0.1}}
devices: {plc: {link: plc}}
points: [points.csv]
uplinks: {province: {type: mqtt, host: 127.0.0.1}}
log: {cap: 40MB, segment: 2MB}
"""


@dataclass
class Platform:
    """Counts what arrives; `away`: it does not answer."""

    window: int = 20
    away: bool = False
    seen: dict[tuple[str, str], Ranges] = field(default_factory=lambda: defaultdict(Ranges))
    readings: int = 0
    events: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def connect(self) -> None:
        if self.away:
            raise UplinkDown(text("not connected"))

    async def heard(self) -> bytes:
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await heard

    async def send(self, message: Message) -> None:
        if self.away:
            raise UplinkDown(text("not connected"))
        content = orjson.loads(message.payload)
        if "seq" in content:
            self._enter(content)

    def hurry(self) -> None:
        """See `Uplink`."""

    async def closed(self) -> UplinkDown:
        closed: asyncio.Future[UplinkDown] = asyncio.get_running_loop().create_future()
        return await closed

    async def close(self) -> None:
        pass

    def _enter(self, content: dict[str, Any]) -> None:
        numbers = self.seen[content["run"], content["stream"]]
        if content["seq"] not in numbers:
            numbers.add(content["seq"])
            self.readings += len(content.get("rows", ()))
            self.events[content.get("event", content["kind"])] += 1


@dataclass
class Day:
    """The agent's parts at work; `samples`: MiB of memory and open descriptors, once an hour."""

    wiring: Wiring
    clock: VirtualClock
    platform: Platform
    forwarder: Forwarder
    samples: list[tuple[float, int]] = field(default_factory=list)

    async def live(self, hours: int) -> None:
        for hour, values in zip(range(hours), self._walk(), strict=False):
            for second in range(HOUR_S):
                await self._second(second, next(values))
            self.samples.append(taken_up())
            print(f"hour {hour + 1}: {self.samples[-1]}", file=sys.stderr)

    async def deliver(self) -> None:
        """Wait for what is left to arrive; a forwarder that has just been refused waits in real time."""
        self.platform.away = False
        self.wiring.log.sync(PATIENCE_S)
        due_s = time.monotonic() + DELIVERED_WITHIN_S
        while self.account()["undelivered"] and time.monotonic() < due_s:
            self.forwarder.wake()
            await self.forwarder.drain(PATIENCE_S)
            await asyncio.sleep(PATIENCE_S / 100)

    async def _second(self, second: int, raw: np.ndarray[Any, Any]) -> None:
        self.platform.away = AWAY_S[0] <= second < AWAY_S[1]
        self._misfortune(second)
        group = self.wiring.plant.groups[0]
        silent = SILENT_S[0] <= second < SILENT_S[1]
        words = np.full(group.count, int(Reason.TIMEOUT) << 8 | 2 << 30 if silent else 0, dtype=np.uint32)
        scan = Scan(raw=np.where(silent, np.nan, raw), quality=words)
        at_once(self.wiring.devices.take(group, scan, self.clock.boot_ns()))
        await self.clock.advance(S)
        if second % DRAIN_EVERY_S == 0:
            self.wiring.log.sync(PATIENCE_S)
            self.forwarder.wake()
            if self.platform.away:
                await settle()
            else:
                await self.forwarder.drain(PATIENCE_S)

    def _misfortune(self, second: int) -> None:
        now = self.clock.boot_ns()
        if second == SILENT_S[0]:
            self.wiring.devices.device_lost("plc", text("not connected"), Reason.TIMEOUT, now)
        elif second == SILENT_S[1]:
            missed = SILENT_S[1] - SILENT_S[0]
            self.wiring.devices.device_restored("plc", now - missed * S, now, missed)
        elif second == STEP_S:
            self.clock.utc_offset_ns += 2 * S

    def _walk(self) -> Iterator[Iterator[np.ndarray[Any, Any]]]:
        """Yield for every hour its seconds: seeded random walks, quantised to int16."""
        random = np.random.default_rng(7)
        count = self.wiring.plant.groups[0].count
        while True:
            steps = random.integers(-20, 21, size=(HOUR_S, count)).cumsum(axis=0)
            yield iter(np.abs(1000 + steps).astype(np.float64) % 32768)

    def account(self) -> dict[str, Any]:
        """Return both sides' books."""
        ever = self.wiring.pipeline.ledger.ever()
        balance = self.wiring.log.ledger().balances[UPLINK][Stream.READINGS]
        lost = sum(count.readings for count in balance.lost.values())
        holes = sum(len(list(found.holes(1, found.last))) for found in self.platform.seen.values())
        return {
            "scanned": ever.scanned,
            "intake_off_by": ever.scanned - ever.recorded - sum(ever.suppressed.values()) - ever.refused,
            "uplink_off_by": balance.recorded.readings
            - balance.delivered.readings
            - balance.backlog.readings
            - balance.quarantined.readings
            - lost,
            "undelivered": ever.recorded - self.platform.readings,
            "holes": holes,
            "events": dict(self.platform.events),
        }


def taken_up() -> tuple[float, int]:
    """Return MiB of memory that this process holds, and its open descriptors."""
    gc.collect()
    return pss_bytes(os.getpid()) / 2**20, len(list(Path("/proc/self/fd").iterdir()))


async def simulate(hours: int, tags: int, folder: Path) -> dict[str, Any]:
    """Return what became of a plant of `tags` tags in simulated time."""
    describe(tags, folder)
    clock, platform = VirtualClock(now_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME)), Platform()
    layout = Layout(folder / "state")
    wiring = wire(load(folder), layout, clock, load_kernels(layout.kernel_cache), lambda: 0)
    give_back_start_memory()
    begun_s = time.monotonic()
    take_up(wiring)
    forwarder = wiring.forwarders[UPLINK]
    forwarder._make_uplink = lambda _will: platform
    tasks = [asyncio.create_task(forwarder.run()), asyncio.create_task(Heartbeat(wiring).run())]
    day = Day(wiring, clock, platform, forwarder)
    try:
        await day.live(hours)
        await day.deliver()
        found = day.account()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        wiring.pipeline.close()
        wiring.log.close()
    took_s = time.monotonic() - begun_s
    return {"hours": hours, "took_s": took_s, **found, **growth(day.samples)}


def describe(tags: int, folder: Path) -> None:
    (folder / "plant.yaml").write_text(PLANT, encoding="utf-8")
    heads = "tag,device,scan_class,address,type,h,alarm_deadband,deadband\n"
    rows = (f"t{number},plc,normal,hr:{number},int16,1100,5,3\n" for number in range(tags))
    (folder / "points.csv").write_text(heads + "".join(rows), encoding="utf-8")


def growth(samples: list[tuple[float, int]]) -> dict[str, Any]:
    """Return how memory and descriptors grew after the first hour, in which everything is met once."""
    mib, descriptors = zip(*samples, strict=True)
    hours = np.arange(len(mib) - 1)
    slope = float(np.polyfit(hours, mib[1:], 1)[0]) if len(hours) > 1 else 0.0
    return {
        "pss_mib": list(mib),
        "pss_slope_mib_per_h": slope,
        "more_descriptors": max(descriptors[1:], default=descriptors[0]) - descriptors[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulated_day", description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--tags", type=int, default=50)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # some hundred alarms an hour
    with TemporaryDirectory(prefix="fengsui-soak-") as folder:
        found = asyncio.run(simulate(asked.hours, asked.tags, Path(folder)))
    print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
