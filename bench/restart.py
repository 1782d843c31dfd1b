"""The restart: from the start of the process to polling, with a million readings that nobody has yet."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.disk import log_bytes
from bench.kept import keep_readings
from bench.network import Network, own_loopback
from bench.plan import Plan, Report, Target
from bench.plant import Load
from bench.subject import Subject, as_installed
from buffer.disk import Disk
from buffer.recover import recover

READINGS: Final = 1_000_000
_NOBODY: Final = 9
"""From this port on nothing listens: what is asked for is the start, not the scans."""


def run(plan: Plan) -> Report:
    """Start on an empty log and on a full one, as installed; what the log takes is timed alone too.

    The first start fills the caches of kernels and bytecode and is not counted.
    """
    with tempfile.TemporaryDirectory(prefix="fengsui-bench-") as cache:
        os.environ["CACHE_DIRECTORY"] = cache
        bytecode = Path(cache) / "bytecode"
        empty = min([_started_s(0, bytecode)[0] for _ in range(1 + plan.repeats)][1:])
        full = [_started_s(READINGS, bytecode) for _ in range(plan.repeats)]
    del os.environ["CACHE_DIRECTORY"]
    started_s, recovered_s, per_reading = (min(column) for column in zip(*full, strict=True))
    return Report(
        bench="restart",
        targets=[
            Target(name=f"start to polling with {READINGS:,} readings, s", found=started_s, at_most=3.0),
            Target(name="of which the log, s", found=recovered_s, at_most=0.5),
            Target(name="start to polling with none, s", found=empty, at_most=3.0),
            Target(name="bytes on disk for a reading", found=per_reading, at_most=6.0),
        ],
    )


def _started_s(readings: int, bytecode: Path) -> tuple[float, float, float]:
    """Return how long the start took, how long opening the log, and the bytes on disk for a reading."""
    load = Load()
    host = own_loopback()
    network = Network(host=host, devices=list(range(_NOBODY, _NOBODY + load.devices)), broker=_NOBODY)
    with tempfile.TemporaryDirectory(prefix="fengsui-bench-") as temporary:
        subject = Subject("agent", Path(temporary), load, network, as_installed(bytecode))
        log = subject.state / "log"
        subject.state.mkdir()
        kept = keep_readings(Path(temporary) / "plant.yaml", log, readings) if readings else 1
        per_reading = log_bytes(subject.state) / kept
        recovered_s = _recovered_s(log) if readings else 0.0
        with subject:
            started_s = subject.ready_after_s
            subject.stop()
    return started_s, recovered_s, per_reading


def _recovered_s(log: Path) -> float:
    """Return how long it takes to find out what a killed run has left; the seal that it writes is undone."""
    segments = {path: path.read_bytes() for path in log.glob("*.seg")}
    begun_s = time.monotonic()
    recover(Disk(), log, run=1, uplinks=["north"])
    taken_s = time.monotonic() - begun_s
    for path, found in segments.items():
        path.write_bytes(found)
    return taken_s
