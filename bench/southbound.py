"""Southbound: 47 devices at 200 ms with three rude ones beside them, against the same run without those.

One of the three is silent, one trickles a byte a second, one never stops sending. What is measured is how
late the scans of the 47 begin (the agent's own count), and, in a run of its own, whether its memory grows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Final

from bench.broker import Broker
from bench.helper import Helper
from bench.network import Network, own_loopback
from bench.plan import Plan, Report, Row, Target
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
"""Time from which a slope says something: in a minute a page more or less is 1 MiB/h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Southbound:
    """One run: late p99 of the middle one and of the worst of the polite devices, and their bad scans."""

    beside: str
    late_p99_ms: float
    worst_p99_ms: float
    scans_bad: int

    def row(self) -> Row:
        """Return it as a row of the bench's table."""
        return {
            "beside": self.beside,
            "late p99 ms, middle": f"{self.late_p99_ms:.1f}",
            "late p99 ms, worst": f"{self.worst_p99_ms:.1f}",
            "bad scans": str(self.scans_bad),
        }


def run(plan: Plan) -> Report:
    """Measure with and without the three in turn, so that a change of the machine's mood meets both."""
    pairs = [(_measure(plan, rude=False), _measure(plan, rude=True)) for _ in range(plan.repeats)]
    middle = median(rude.late_p99_ms / quiet.late_p99_ms for quiet, rude in pairs)
    worst = median(rude.worst_p99_ms / quiet.worst_p99_ms for quiet, rude in pairs)
    targets = [
        Target(
            name="late p99 beside rude devices, ratio to without, middle device", found=middle, at_most=1.5
        ),
        Target(name="the same, device by which it is largest", found=worst, at_most=1.5),
        Target(name="late p99, ms", found=median(rude.worst_p99_ms for _, rude in pairs), at_most=PERIOD_MS),
        Target(name="bad scans of polite devices", found=sum(rude.scans_bad for _, rude in pairs), at_most=0),
    ]
    return Report(bench="southbound", rows=[run.row() for pair in pairs for run in pair], targets=targets)


def growth(plan: Plan) -> Report:
    """Measure whether memory grows beside the three, in the last half of a long run."""
    with _beside(rude=True) as subject:
        time.sleep(plan.warm_up_s)
        slopes = _watch_memory(subject.pid, plan.growth_s)
        subject.stop()
    targets = [
        Target(name=f"{part} slope over the last half, MiB/h", found=slope, at_most=1.0)
        for part, slope in slopes.items()
        if plan.growth_s >= _LONG_ENOUGH_S
    ]
    row: Row = {part: f"{slope:+.2f} MiB/h" for part, slope in slopes.items()}
    return Report(bench="growth", rows=[row], targets=targets)


def _measure(plan: Plan, *, rude: bool) -> Southbound:
    with _beside(rude=rude) as subject:
        time.sleep(plan.warm_up_s + plan.southbound_s)
        grid = subject.status()["grid"][:POLITE]
        subject.stop()
    lates_ms = [group["late_ms"]["p99"] for group in grid]
    return Southbound(
        beside="the rude" if rude else "nobody",
        late_p99_ms=median(lates_ms),
        worst_p99_ms=max(lates_ms),
        scans_bad=sum(group["scans_bad"] for group in grid),
    )


@contextmanager
def _beside(*, rude: bool) -> Iterator[Subject]:
    """Run the agent on the polite devices, and on the rude ones where wanted."""
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
            yield subject


def _watch_memory(pid: int, duration_s: float) -> dict[Part, float]:
    """Let time pass; return by how many MiB/h each part of the memory grew in its last half."""
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
