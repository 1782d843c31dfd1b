"""A flood: 5,000 alarms raised within 10 s, and again and again, beside the readings of 50 devices."""

from __future__ import annotations

import time
from typing import Final

from bench.measure import Script, measure, quiet
from bench.plan import Plan, Report, Target
from bench.plant import Load
from bench.stand import Stand

_CALM: Final = Load(registers=50, period_ms=312.5)
_FLOOD: Final = Load(registers=50, period_ms=312.5, alarms=50, alarms_each=100)
"""Each of 5,000 alarms is raised once in 32 answers, that is in 10 s, and cleared in between."""

_ASK_EVERY_S: Final = 0.5
_ANSWERED_WITHIN_S: Final = 1.0


def run(plan: Plan) -> Report:
    """Measure the same readings without alarms and with a flood of them, and compare the grids."""
    asked_s: list[float] = []
    calm = measure(plan.subject, _CALM, warm_up_s=plan.warm_up_s, script=quiet(plan.window_s))
    flood = measure(
        plan.subject, _FLOOD, warm_up_s=plan.warm_up_s, script=_asking(2 * plan.window_s, asked_s)
    )
    jitter = flood.grid_late_ms["p99"] / max(calm.grid_late_ms["p99"], 1.0)
    return Report(
        bench="flood",
        runs=[calm, flood],
        targets=[
            Target(name="alarms raised", found=flood.events.get("alarm_raised", 0), at_least=5000),
            Target(name="alarm events missing", found=flood.alarm_events_due - flood.alarm_events, at_most=0),
            Target(name="holes in seq", found=flood.holes, at_most=0),
            Target(name="answers missing", found=flood.missing_answers, at_most=0),
            Target(name="share of the grid kept", found=flood.served_share, at_least=0.99),
            Target(name="grid lateness p99, ratio to calm", found=jitter, at_most=2.0),
            Target(name="alarms read, slowest, s", found=max(asked_s), at_most=_ANSWERED_WITHIN_S),
            Target(name="flood told", found=flood.events.get("alarm_flood", 0), at_least=1),
        ],
    )


def _asking(window_s: float, asked_s: list[float]) -> Script:
    """Return a window in which somebody looks at the alarms again and again; the times that it took."""

    def script(stand: Stand) -> None:
        end_s = time.monotonic() + window_s
        while time.monotonic() < end_s:
            begun_s = time.monotonic()
            stand.subject.ask("/alarms")
            asked_s.append(time.monotonic() - begun_s)
            stand.watch(_ASK_EVERY_S)

    return script
