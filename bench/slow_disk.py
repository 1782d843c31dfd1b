"""The slow disk: W1 with every sync taking half a second longer, against the same without."""

from __future__ import annotations

from typing import Final

from bench.measure import measure, quiet
from bench.plan import Plan, Report, Target
from bench.plant import Load

_TRACER: Final = ("strace", "-D", "-f", "--seccomp-bpf", "--quiet=all", "-o", "/dev/null")
_SLOW: Final = ("-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_exit=500000")
_AS_IT_IS: Final = ("-e", "trace=fdatasync")


def run(plan: Plan) -> Report:
    """Measure both under the same tracer; the grid must not notice, and nothing may be missing."""
    calm, slow = (
        measure(
            plan.subject,
            Load(),
            warm_up_s=plan.warm_up_s,
            script=quiet(plan.window_s),
            wrap=(*_TRACER, *how),
        )
        for how in (_AS_IT_IS, _SLOW)
    )
    return Report(
        bench="slow_disk",
        runs=[calm, slow],
        targets=[
            Target(name="answers missing", found=slow.missing_answers, at_most=0),
            Target(name="holes in seq", found=slow.holes, at_most=0),
            Target(
                name="grid lateness p99, ratio to a disk as it is",
                found=slow.grid_late_ms["p99"] / calm.grid_late_ms["p99"],
                at_most=1.5,
            ),
        ],
    )
