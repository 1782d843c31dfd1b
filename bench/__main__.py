"""Measure the agent: `python -m bench [NAME|all] [--quick] [--json PATH]`; `--help` lists the names.

Exit 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import (
    alarm,
    disk_faults,
    drain,
    flood,
    kernels,
    ladder,
    loop,
    outage,
    overload,
    restart,
    soak,
    southbound,
    start,
    w1,
)
from bench.plan import QUICK, Plan, Report
from bench.report import show, write_json

BENCHES: Final[dict[str, Callable[[Plan], Report]]] = {
    "kernels": kernels.run,
    "start": start.run,
    "w1": w1.run,
    "ladder": ladder.run,
    "overload": overload.run,
    "outage": outage.run,
    "restart": restart.run,
    "disk_faults": disk_faults.run,
    "drain": drain.run,
    "soak": soak.run,
    "southbound": southbound.run,
    "growth": southbound.growth,
    "alarm": alarm.run,
    "flood": flood.run,
    "loop": loop.run,
}


def main() -> int:
    """Run what was asked for and say how the targets were kept."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", nargs="?", choices=[*BENCHES, "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="short windows: to see that it works")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures")
    parser.add_argument("--outage-s", type=float, help="how long the broker is gone")
    parser.add_argument("--drain-hours", type=float, help="how long there was no platform before the drain")
    parser.add_argument("--growth-s", type=float, help="how long memory is watched beside rude devices")
    parser.add_argument("--subject", choices=("agent", "bare"), default="agent", help="what is measured")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is mounted is unmounted
    plan = replace(QUICK if asked.quick else Plan(), subject=asked.subject)
    if asked.outage_s is not None:
        plan = replace(plan, outage_s=asked.outage_s)
    if asked.drain_hours is not None:
        plan = replace(plan, drain_hours=asked.drain_hours)
    if asked.growth_s is not None:
        plan = replace(plan, growth_s=asked.growth_s)
    console = Console(width=160)
    reports = []
    for name in BENCHES if asked.bench == "all" else (asked.bench,):
        reports.append(BENCHES[name](plan))
        show(reports[-1], console)
    if asked.json is not None:
        write_json(reports, asked.json)
    return 0 if all(target.met for report in reports for target in report.targets) else 1


if __name__ == "__main__":
    sys.exit(main())
