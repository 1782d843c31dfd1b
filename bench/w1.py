"""W1: 50 devices x 100 registers at 1 s, all changing, all forwarded; against the bare loop, in turn."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from bench.measure import Run, measure, quiet
from bench.plan import Plan, Report, Target
from bench.plant import Load


def run(plan: Plan) -> Report:
    """Measure subject and bare loop A B A B, so that a change of the machine's mood meets both."""
    runs = [
        measure(name, Load(), warm_up_s=plan.warm_up_s, script=quiet(plan.window_s))
        for _ in range(plan.repeats)
        for name in (plan.subject, "bare")
    ]
    return Report(bench="w1", runs=runs, targets=_targets(runs[0::2], runs[1::2]))


def _targets(subject: list[Run], bare: list[Run]) -> list[Target]:
    def middle(figure: Callable[[Run], float]) -> float:
        return median(map(figure, subject))

    ratios = [
        ours.cpu_us_per_reading / theirs.cpu_us_per_reading
        for ours, theirs in zip(subject, bare, strict=True)
    ]
    return [
        Target(name="share of the grid kept", found=middle(lambda run: run.served_share), at_least=0.99),
        Target(name="answers missing", found=sum(run.missing_answers for run in subject), at_most=0),
        Target(
            name="answers not arrived at the end", found=sum(run.late_answers for run in subject), at_most=0
        ),
        Target(name="holes in seq", found=sum(run.holes for run in subject), at_most=0),
        Target(name="scans with wrong values", found=sum(run.wrong for run in subject), at_most=0),
        Target(name="scans not all Good", found=sum(run.doubtful for run in subject), at_most=0),
        Target(name="write requests at the devices", found=sum(run.writes for run in subject), at_most=0),
        Target(name="CPU per reading, ratio to bare", found=median(ratios), at_most=2.0),
        Target(name="latency p99, ms", found=middle(lambda run: run.latency_ms["p99"]), at_most=350.0),
        Target(name="PSS peak, MB", found=max(run.pss_peak_mb for run in subject), at_most=180.0),
    ]
