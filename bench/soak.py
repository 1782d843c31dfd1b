"""The soak: a simulated day, in a process of its own; nothing may grow, and every account must be exact."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final

import orjson

from bench.plan import QUICK, Plan, Report, Target

HOURS: Final = 24
QUICK_HOURS: Final = 3


def run(plan: Plan) -> Report:
    """Simulate a day, or a few hours of one."""
    found = simulated(QUICK_HOURS if plan.warm_up_s <= QUICK.warm_up_s else HOURS)
    return Report(
        bench=f"soak of {found['hours']} simulated hours in {found['took_s']:.0f} s",
        targets=[
            Target(name="memory (PSS), MiB more an hour", found=found["pss_slope_mib_per_h"], at_most=1.0),
            Target(name="descriptors more", found=found["more_descriptors"], at_most=0),
            Target(name="intake: readings unaccounted for", found=abs(found["intake_off_by"]), at_most=0),
            Target(name="uplink: readings unaccounted for", found=abs(found["uplink_off_by"]), at_most=0),
            Target(name="readings recorded and not arrived", found=abs(found["undelivered"]), at_most=0),
            Target(name="holes in seq", found=found["holes"], at_most=0),
        ],
    )


def simulated(hours: int, tags: int = 20) -> dict[str, Any]:
    """Return what `bench.simulated_day` found. Raises CalledProcessError."""
    command = [sys.executable, "-m", "bench.simulated_day", "--hours", str(hours), "--tags", str(tags)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found
