"""Disks that fail: W1 five times as fast, and a fault within the same run; what of the grid, the ledger.

How late scans begin is told by the devices, which are asked whatever becomes of the disk. Where the agent has
to end, it is started again as its service manager would, and the grid is that of the agent started anew. A
window is cut into parts, and that counts than which a quarter of them were quieter: a fault lasts, and is in
all of them; bursts of something else on the machine are not.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.faults import FAULTS, Fault
from bench.helper import Answer
from bench.plan import Plan, Report, Row, Target
from bench.plant import Load
from bench.report import show_shares
from bench.stand import Stand, set_up

LOAD: Final = Load(period_ms=200)
_PARTS: Final = 8
_ASK: Final = f"grid {LOAD.period_ms:g}"
_AT_RISK: Final = 2 * LOAD.devices
"""What may be read and not stored when the agent ends: a commit interval, a sync, and what is in flight."""
_FIRST_MESSAGE_WITHIN_S: Final = 30.0
_ENDS_WITHIN_S: Final = 90.0
"""From memory the agent returns once all is delivered, or after a minute (`agent.volatile`)."""
_RESUMES_WITHIN_S: Final = 10.0
_SETTLES_WITHIN_S: Final = 10.0
_IN_MEMORY: Final = "nothing is stored"
_FAILED, _TRY_AGAIN = 1, 75
_EXITS: Final = {"goes on": [], "restarts": [_FAILED], "restarts in memory": [_FAILED, _TRY_AGAIN]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How often the devices were asked in a window, and how late: p50 and p99, each of a quiet part."""

    asked: int
    late_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """One run. `calm`, `struck`: the grid as the devices saw it before and during the fault.

    `exits`: how the agent ended, in order. `in_memory`: what the agent said during the fault. `resumed_s`:
    from the fault's end until the platform had what was current. `settled`, `status`: sink and agent at last.
    """

    fault: Fault
    calm: Grid
    struck: Grid
    exits: list[int]
    in_memory: bool
    resumed_s: float
    settled: Answer
    status: dict[str, Any]

    @property
    def ratio(self) -> float:
        """How much later scans began than before the fault, at the 99th percentile."""
        return self.struck.late_ms["p99"] / self.calm.late_ms["p99"]

    @property
    def lost(self) -> dict[str, int]:
        """Records and readings that the ledger calls lost, of readings."""
        causes = self.status["uplinks"][0]["ledger"]["readings"]["lost"].values()
        return {of: sum(count[of] for count in causes) for of in ("records", "readings")}

    @property
    def off_by(self) -> int:
        """By how much any balance of the ledger misses its sum, in records and in readings."""
        balances = [each for uplink in self.status["uplinks"] for each in uplink["ledger"].values()]
        return sum(abs(_difference(balance, of)) for balance in balances for of in ("records", "readings"))

    def row(self) -> Row:
        """Return the row of the table."""
        return {
            "fault": self.fault.name,
            "late p50/p99 ms, calm": show_shares(self.calm.late_ms),
            "late p50/p99 ms, struck": show_shares(self.struck.late_ms),
            "ratio": f"{self.ratio:.2f}",
            "scans asked": f"{self.calm.asked}/{self.struck.asked}",
            "ended with": ", ".join(map(str, self.exits)) or "-",
            "in memory": "yes" if self.in_memory else "-",
            "missing": str(self.settled["missing_answers"]),
            "lost": str(self.lost["records"]),
            "off by": str(self.off_by),
            "current after s": f"{self.resumed_s:.1f}",
        }

    def targets(self) -> list[Target]:
        """Return what must hold of this fault."""
        name = self.fault.name
        as_told = self.exits == _EXITS[self.fault.after]
        in_memory = self.in_memory == (self.fault.after == "restarts in memory")
        kept = self.struck.asked / self.calm.asked
        return [
            Target(name=f"{name}: grid lateness p99, ratio to before", found=self.ratio, at_most=1.5),
            Target(name=f"{name}: scans asked for, ratio to before", found=kept, at_least=0.98),
            Target(name=f"{name}: {self.fault.after}", found=float(as_told and in_memory), at_least=1),
            Target(name=f"{name}: ledger off by", found=self.off_by, at_most=0),
            Target(name=f"{name}: current after, s", found=self.resumed_s, at_most=_RESUMES_WITHIN_S),
            *self._missing(),
        ]

    def _missing(self) -> list[Target]:
        """Return what may be missing: of an agent that goes on, exactly what its ledger calls lost."""
        name, missing = self.fault.name, self.settled["missing_answers"]
        if self.fault.after != "goes on":
            return [Target(name=f"{name}: answers missing", found=missing, at_most=_AT_RISK)]
        untold = missing * LOAD.registers - self.lost["readings"]
        return [Target(name=f"{name}: readings missing and not told", found=abs(untold), at_most=0)]


def run(plan: Plan) -> Report:
    """Measure every fault; kernels are compiled once, and are not on the disk that fails."""
    with tempfile.TemporaryDirectory(prefix="fengsui-bench-") as cache:
        os.environ["CACHE_DIRECTORY"] = cache
        found = [_measure(plan, fault) for fault in FAULTS]
    del os.environ["CACHE_DIRECTORY"]
    return Report(
        bench="disk_faults",
        rows=[each.row() for each in found],
        targets=[target for each in found for target in each.targets()],
    )


def _measure(plan: Plan, fault: Fault) -> Struck:
    with set_up("agent", replace(LOAD, log=fault.log), medium=fault.medium) as stand:
        stand.await_first_message(_FIRST_MESSAGE_WITHIN_S)
        calm = _grid(stand, plan)
        exits, in_memory = [], False
        with fault.strike(stand):
            if fault.after != "goes on":
                exits.append(_start_again(stand))
                in_memory = any(_IN_MEMORY in concern["en"] for concern in stand.subject.status()["concerns"])
            struck = _grid(stand, plan)
        ended_s = time.monotonic()
        if in_memory:
            exits.append(_start_again(stand))
            ended_s = time.monotonic()
        stand.await_current(_SETTLES_WITHIN_S)
        resumed_s = time.monotonic() - ended_s
        settled = stand.settle(_SETTLES_WITHIN_S)
        status = stand.subject.status()
        stand.subject.stop()
    return Struck(
        fault=fault,
        calm=calm,
        struck=struck,
        exits=exits,
        in_memory=in_memory,
        resumed_s=resumed_s,
        settled=settled,
        status=status,
    )


def _start_again(stand: Stand) -> int:
    """Wait for the agent's end and start it anew; return its exit code."""
    code = stand.subject.await_end(_ENDS_WITHIN_S)
    stand.subject.start()
    return code


def _grid(stand: Stand, plan: Plan) -> Grid:
    """Let the agent warm up, then return how it kept the grid for a window."""
    stand.watch(plan.warm_up_s)
    stand.devices.ask(_ASK)
    parts = []
    for _ in range(_PARTS):
        stand.watch(plan.window_s / _PARTS)
        parts.append(stand.devices.ask(_ASK))
    return Grid(
        asked=sum(part["asked"] for part in parts),
        late_ms={share: _quiet([part["late_ms"][share] for part in parts]) for share in ("p50", "p99")},
    )


def _quiet(parts: list[float]) -> float:
    """Return that than which a quarter of the parts are less."""
    return sorted(parts)[len(parts) // 4]


def _difference(balance: dict[str, Any], of: str) -> int:
    parts = [balance[part] for part in ("delivered", "backlog", "quarantined")]
    accounted: int = sum(part[of] for part in [*parts, *balance["lost"].values()])
    return int(balance["recorded"][of]) - accounted
