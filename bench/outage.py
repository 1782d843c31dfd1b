"""The outage: W1 with the broker gone for a minute, against the same time without."""

from __future__ import annotations

from typing import Final

from agent.demo.broker import BrokerFailed
from bench.measure import Script, measure, quiet
from bench.plan import Plan, Report, Target
from bench.plant import Load
from bench.stand import Stand
from config.text import text

_AROUND_S: Final = 5.0
_DRAINS_WITHIN_S: Final = 60.0


def run(plan: Plan) -> Report:
    """Measure both; the grid must not notice, and nothing may be missing afterwards."""
    calm = measure(
        plan.subject, Load(), warm_up_s=plan.warm_up_s, script=quiet(plan.outage_s + 2 * _AROUND_S)
    )
    cut = measure(plan.subject, Load(), warm_up_s=plan.warm_up_s, script=broker_gone(plan.outage_s))
    return Report(
        bench="outage",
        runs=[calm, cut],
        targets=[
            Target(name="answers missing", found=cut.missing_answers, at_most=0),
            Target(name="answers not arrived at the end", found=cut.late_answers, at_most=0),
            Target(name="holes in seq", found=cut.holes, at_most=0),
            Target(name="readings under two keys", found=cut.twice, at_most=0),
            Target(
                name="grid lateness p99, ratio to no outage",
                found=cut.grid_late_ms["p99"] / calm.grid_late_ms["p99"],
                at_most=1.5,
            ),
        ],
    )


def broker_gone(duration_s: float, *, around_s: float = _AROUND_S) -> Script:
    """Return a window in which the broker is gone for a time and what was kept is sent afterwards.

    Raises BrokerFailed in a run whose broker would forget the sink.
    """

    def script(stand: Stand) -> None:
        if not stand.broker.remembers:
            raise BrokerFailed(text("{name} forgets its sessions; install mosquitto", name=stand.broker.name))
        stand.watch(around_s)
        stand.broker.stop()
        stand.watch(duration_s)
        stand.broker.start()
        stand.drain(_DRAINS_WITHIN_S)
        stand.watch(around_s)

    return script
