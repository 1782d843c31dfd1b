"""Southbound: 47 devices at 200 ms with three rude ones beside them, against the same run without those.

One of the three is silent, one trickles a byte a second, one never stops sending. What is measured is how
late the scans of the 47 begin (the agent's own count), and whether its memory grows.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Any, Final

from bench.broker import Broker
from bench.helper import Helper
from bench.network import Network, own_loopback
from bench.plan import Plan, Report, Target
from bench.plant import Load
from bench.process import Part, pss_bytes
from bench.subject import Subject

POLITE: Final = 47
PERIOD_MS: Final = 200.0
REGISTERS: Final = 20
_PARTS: Final[tuple[Part, ...]] = ("Pss", "Pss_Anon")
_SAMPLE_EVERY_S: Final = 1.0
_MIB: Final = 2**20
_LONG_ENOUGH_S: Final = 600.0
"""Time from which the slope of the memory says something: in a minute a page more or less is 1 MiB/h."""


Growth = dict[Part, float]
"""MiB/h of each part of the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Southbound:
    """One run: late p50 and p99 of the middle one of the polite devices, and how fast the memory grew."""

    late_p50_ms: float
    late_p99_ms: float
    scans_bad: int
    missed: int
    growth: Growth


def run(plan: Plan) -> Report:
    """Measure with and without the three in turn, so that a change of the machine's mood meets both."""
    pairs = [(_measure(plan, rude=False), _measure(plan, rude=True)) for _ in range(plan.repeats)]
    ratios = [rude.late_p99_ms / quiet.late_p99_ms for quiet, rude in pairs]
    targets = [
        Target(name="late p99 beside rude devices, ratio to without", found=median(ratios), at_most=1.5),
        Target(name="late p99, ms", found=median(rude.late_p99_ms for _, rude in pairs), at_most=PERIOD_MS),
        Target(name="bad scans of polite devices", found=sum(rude.scans_bad for _, rude in pairs), at_most=0),
    ]
    if plan.southbound_s >= _LONG_ENOUGH_S:
        for part in _PARTS:
            slope = median(rude.growth[part] for _, rude in pairs)
            targets.append(Target(name=f"{part} slope over the last half, MiB/h", found=slope, at_most=1.0))
    return Report(bench="southbound", targets=targets)


def _measure(plan: Plan, *, rude: bool) -> Southbound:
    host = own_loopback()
    with (
        tempfile.TemporaryDirectory(prefix="fengsui-bench-") as temporary,
        Helper("bench.load_devices", "--host", host, "--devices", str(POLITE)) as polite,
        Helper("bench.rude_devices", "--host", host) as rude_ones,
        Broker.found(Path(temporary), host) as broker,
    ):
        ports = polite.ready["ports"] + (rude_ones.ready["ports"] if rude else [])
        load = Load(devices=len(ports), registers=REGISTERS, period_ms=PERIOD_MS)
        network = Network(host=host, devices=ports, broker=broker.port)
        with Subject("agent", Path(temporary), load, network) as subject:
            time.sleep(plan.warm_up_s)
            growth = _watch_memory(subject.pid, plan.southbound_s)
            grid = subject.status()["grid"][:POLITE]
            subject.stop()
    return _summary(grid, growth)


def _watch_memory(pid: int, duration_s: float) -> Growth:
    """Let time pass; return how fast the memory grew in its last half."""
    times_s: list[float] = []
    sizes: dict[Part, list[float]] = {part: [] for part in _PARTS}
    start_s = time.monotonic()
    while (now_s := time.monotonic() - start_s) < duration_s:
        if now_s >= duration_s / 2:
            times_s.append(now_s)
            for part in _PARTS:
                sizes[part].append(pss_bytes(pid, part) / _MIB)
        time.sleep(min(_SAMPLE_EVERY_S, duration_s / 10))
    return {part: 3600 * linear_regression(times_s, sizes[part]).slope for part in _PARTS}


def _summary(grid: list[dict[str, Any]], growth: Growth) -> Southbound:
    return Southbound(
        late_p50_ms=median(group["late_ms"]["p50"] for group in grid),
        late_p99_ms=median(group["late_ms"]["p99"] for group in grid),
        scans_bad=sum(group["scans_bad"] for group in grid),
        missed=sum(group["overruns"] + group["shed"] for group in grid),
        growth=growth,
    )
