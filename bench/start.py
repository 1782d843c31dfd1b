"""The start: from the first instruction to polling, with kernels and bytecode compiled, as installed.

Measured are the CPU time of the process until it says READY=1, which others on the machine change little,
and how long that took. The first start fills the caches and is not counted.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.network import Network, own_loopback
from bench.plan import Plan, Report, Target
from bench.plant import Load
from bench.process import cpu_s
from bench.subject import Subject, as_installed

START_S: Final = 3.0
_STARTS: Final = 3


def run(_plan: Plan) -> Report:
    """Start the agent of W1 (5,000 registers on 50 devices that do not answer) a few times."""
    with TemporaryDirectory(prefix="fengsui-bench-") as folder:
        found = [_start(Path(folder)) for _ in range(1 + _STARTS)][1:]
    return Report(
        bench="start",
        targets=[
            Target(name="CPU until it polls, s", found=min(cpu for cpu, _ in found), at_most=START_S),
            Target(name="time until it polls, s", found=min(wall for _, wall in found), at_most=START_S),
        ],
    )


def _start(folder: Path) -> tuple[float, float]:
    """Return the CPU time and the time of one start; all share log, kernels and bytecode."""
    (folder / "notify").unlink(missing_ok=True)
    load = Load()
    nobody = Network(host=own_loopback(), devices=[*range(1, 1 + load.devices)], broker=1)
    with Subject("agent", folder, load, nobody, as_installed(folder / "bytecode")) as subject:
        spent_s = cpu_s(subject.pid)
        subject.stop()
        return spent_s, subject.ready_after_s
