"""The drain: a log full of days without a platform, sent while readings go on, against the same without."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.broker import Broker
from bench.gateway import OneRun
from bench.helper import Helper
from bench.network import own_loopback
from bench.plan import Plan, Report, Target
from config.uplinks import MqttUplink

_EVENT_EVERY: Final = 300
_LIVE_EVERY_S: Final = 0.2
_HOUR: Final = 3600
_SETTLES_WITHIN_S: Final = 10.0
_POLL_S: Final = 0.2
_LIVE_SCANS_PER_S: Final = 1.0
"""What one second of the outage has made: the drain rate is compared with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What a drain gave.

    `records`: of the backlog; `recorded`: with those that came up meanwhile. `seconds`: until the backlog was
    delivered. `unbalanced`: streams whose account does not say that all was delivered. `calm`, `sink`: the
    counters of `bench.drain_sink` before and after.
    """

    records: int
    recorded: int
    seconds: float
    unbalanced: int
    calm: dict[str, Any]
    sink: dict[str, Any]

    @property
    def missing(self) -> int:
        """Records that did not arrive."""
        return int(self.calm["records"]) + self.recorded - int(self.sink["records"])

    @property
    def times_live(self) -> float:
        """How much faster than it arose the backlog left."""
        return self.records / self.seconds / _LIVE_SCANS_PER_S


def run(plan: Plan) -> Report:
    """Measure and judge."""
    found = drain(plan.drain_hours, calm_s=plan.window_s)
    return Report(
        bench=(
            f"drain of {plan.drain_hours:g} h: {found.records:,} records in {found.seconds:.1f} s; "
            f"live p99 {1e3 * found.sink['live_p99_s']:.0f} ms, calm {1e3 * found.calm['live_p99_s']:.0f} ms"
        ),
        targets=[
            Target(name="records missing", found=found.missing, at_most=0),
            Target(name="accounts that do not add up", found=found.unbalanced, at_most=0),
            Target(
                name="events after readings of the backlog",
                found=found.sink["events_after_readings"],
                at_most=0,
            ),
            Target(name="out of order within a lane", found=found.sink["disordered"], at_most=0),
            Target(
                name="live latency p99, ratio to calm",
                found=found.sink["live_p99_s"] / found.calm["live_p99_s"],
                at_most=1.5,
            ),
            Target(name="drain rate, times the rate at which it arose", found=found.times_live, at_least=10),
        ],
    )


def drain(hours: float, *, calm_s: float) -> Drained:
    """Fill a log with so many hours of a scan a second, then send it while scans go on."""
    host = own_loopback()
    with (
        tempfile.TemporaryDirectory(prefix="fengsui-bench-") as temporary,
        Broker.found(Path(temporary), host) as broker,
        Helper("bench.drain_sink", "--host", host, "--broker", str(broker.port)) as sink,
    ):
        settings = MqttUplink(type="mqtt", host=host, port=broker.port)
        return asyncio.run(_measure(Path(temporary), settings, sink, round(hours * _HOUR), calm_s))


async def _measure(folder: Path, settings: MqttUplink, sink: Helper, scans: int, calm_s: float) -> Drained:
    calm = OneRun(folder / "calm", 3, settings)
    async with _forwarding(calm):
        await _live(calm, until_s=time.monotonic() + calm_s)
    calm.log.close()
    quiet = sink.ask("mark")
    past = OneRun(folder / "log", 1, settings, up_ns=(scans + _HOUR) * 10**9)
    past.fill(scans, _EVENT_EVERY)
    past.log.close()
    present = OneRun(folder / "log", 2, settings)
    backlog = present.backlog
    async with _forwarding(present):
        begun_s = time.monotonic()
        while sum(balance.delivered.records for balance in present.balances) < backlog:
            await _live(present, until_s=time.monotonic() + _POLL_S)
        seconds = time.monotonic() - begun_s
        present.log.sync(_SETTLES_WITHIN_S)
        await present.forwarder.drain(_SETTLES_WITHIN_S)
    recorded = sum(balance.recorded.records for balance in present.balances)
    unbalanced = sum(balance.recorded != balance.delivered for balance in present.balances)
    present.log.close()
    return Drained(
        records=backlog,
        recorded=recorded,
        seconds=seconds,
        unbalanced=unbalanced,
        calm=quiet,
        sink=_arrived(sink, quiet["records"] + recorded),
    )


def _arrived(sink: Helper, records: int) -> dict[str, Any]:
    """Return the sink's counters when it has so many records, or after a while."""
    due_s = time.monotonic() + _SETTLES_WITHIN_S
    counters = sink.ask()
    while counters["records"] < records and time.monotonic() < due_s:
        time.sleep(_POLL_S)
        counters = sink.ask()
    return counters


async def _live(run: OneRun, until_s: float) -> None:
    """Store a scan at a steady pace."""
    while time.monotonic() < until_s:
        run.scan(run.clock.boot_ns())
        await asyncio.sleep(_LIVE_EVERY_S)


@asynccontextmanager
async def _forwarding(run: OneRun) -> AsyncIterator[None]:
    task = asyncio.create_task(run.forwarder.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
