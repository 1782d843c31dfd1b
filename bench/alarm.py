"""From the cause in a register to the event: with little else to do, and beside W1's readings.

A cause that comes right after a scan waits for the next: one period. From then on the event is dated by its
scan, so what is measured is scan to arrival at the platform; it was stored before it left, so this is more
than scan to stored.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from bench.disk import sync_p99_ms
from bench.measure import measure, quiet
from bench.plan import Plan, Report, Target
from bench.plant import Load

_LIGHT: Final = Load(devices=5, registers=10, period_ms=250.0, alarms=5)
_W1: Final = Load(alarms=50)
_OURS_MS: Final = 20.0


def run(plan: Plan) -> Report:
    """Measure both loads, each with alarms that change every 16 answers."""
    with tempfile.TemporaryDirectory(prefix="fengsui-bench-") as folder:
        allowed_ms = _OURS_MS + sync_p99_ms(Path(folder))
    window_s = max(plan.window_s, 20.0)  # the alarms of W1 change every 16 s
    script = quiet(window_s)
    runs = [measure(plan.subject, load, warm_up_s=plan.warm_up_s, script=script) for load in (_LIGHT, _W1)]
    targets = []
    for name, found in zip(("light", "W1"), runs, strict=True):
        missing = found.alarm_events_due - found.alarm_events
        targets += [
            Target(name=f"{name}: alarm events missing", found=missing, at_most=0),
            Target(
                name=f"{name}: scan to event, p99, ms",
                found=found.event_latency_ms["p99"],
                at_most=allowed_ms,
            ),
        ]
    return Report(bench="alarm", runs=runs, targets=targets)
