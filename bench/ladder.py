"""The ladder: the same 5,000 registers ever faster, until they no longer all arrive."""

from __future__ import annotations

from typing import Final

from bench.measure import Run, measure, quiet
from bench.plan import Plan, Report, Target
from bench.plant import Load

PERIODS_MS: Final = (1000, 500, 200, 100, 80, 60, 50, 40)
CEILING_PER_S: Final = 120_000
_KEEPS_UP: Final = 0.99


def run(plan: Plan) -> Report:
    """Measure every step; overload ends nothing, for what happens beyond it is wanted too."""
    runs = [step(plan, Load(period_ms=period_ms)) for period_ms in PERIODS_MS]
    best = max(run.delivered_per_s for run in runs)
    kept_up = [run for run in runs if run.served_share >= _KEEPS_UP]
    return Report(
        bench="ladder",
        runs=runs,
        targets=[
            Target(name="highest delivered, readings/s", found=best, at_least=CEILING_PER_S),
            Target(name="answers missing", found=sum(run.missing_answers for run in kept_up), at_most=0),
        ],
    )


def step(plan: Plan, load: Load) -> Run:
    """Measure one step."""
    return measure(plan.subject, load, warm_up_s=plan.warm_up_s, script=quiet(plan.step_s))
