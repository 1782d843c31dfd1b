"""Overload: three times what the subject can do is asked for; it must go on doing most of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bench.ladder import step
from bench.measure import Run
from bench.plan import Plan, Report, Target
from bench.plant import Load

_FASTER: Final = 1.5
_RISES: Final = 1.1
_TIMES: Final = 3.0
_START: Final = Load(devices=150, period_ms=180, alarms=5)
"""Three times the devices of W1: a plant may not ask for periods under 10 ms."""
_FASTEST_MS: Final = 30.0


def run(plan: Plan) -> Report:
    """Find what the subject can do, ask for three times that, and compare."""
    climb = _climb(plan)
    peak = max(climb, key=lambda run: run.delivered_per_s)
    asked = replace(
        _START, period_ms=_START.period_ms * _START.readings_per_s / (_TIMES * peak.delivered_per_s)
    )
    over = step(plan, asked)
    return Report(
        bench="overload",
        runs=[*climb, over],
        targets=[
            Target(
                name="delivered, share of peak",
                found=over.delivered_per_s / peak.delivered_per_s,
                at_least=0.8,
            ),
            Target(name="PSS peak, MB", found=over.pss_peak_mb, at_most=1.5 * peak.pss_peak_mb),
            Target(name="alarm events missing", found=over.alarm_events_due - over.alarm_events, at_most=0),
            Target(name="overload events", found=over.events.get("overload", 0), at_least=1),
            Target(name="event latency p99, ms", found=over.event_latency_ms["p99"], at_most=1000.0),
        ],
    )


def _climb(plan: Plan) -> list[Run]:
    """Measure ever faster until that no longer brings much more."""
    load, best = _START, 0.0
    runs = [step(plan, load)]
    while runs[-1].delivered_per_s > _RISES * best and load.period_ms > _FASTEST_MS:
        best = runs[-1].delivered_per_s
        load = replace(load, period_ms=load.period_ms / _FASTER)
        runs.append(step(plan, load))
    return runs
