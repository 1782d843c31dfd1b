"""What the bench of failing disks makes of an agent's own account."""

from __future__ import annotations

from typing import Any

import pytest

from bench.disk_faults import LOAD, Grid, Struck
from bench.faults import FAULTS

GRID = Grid(asked=1000, late_ms={"p50": 1.0, "p99": 2.0})
GOES_ON = next(fault for fault in FAULTS if fault.after == "goes on")


def amount(records: int) -> dict[str, int]:
    return {"records": records, "readings": records * LOAD.registers}


def struck(missing: int, lost: int, *, recorded: int = 20, exits: tuple[int, ...] = ()) -> Struck:
    balance: dict[str, Any] = {
        "recorded": amount(recorded),
        "delivered": amount(20 - lost),
        "backlog": amount(0),
        "quarantined": amount(0),
        "lost": {"disk_full": amount(lost)},
    }
    return Struck(
        fault=GOES_ON,
        calm=GRID,
        struck=GRID,
        exits=list(exits),
        in_memory=False,
        resumed_s=1.0,
        settled={"missing_answers": missing},
        status={"uplinks": [{"ledger": {"readings": balance, "events": balance}}]},
    )


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (struck(3, 3), []),
        (struck(4, 3), ["readings missing and not told"]),
        (struck(0, 0, recorded=21), ["ledger off by"]),
        (struck(0, 0, exits=(1,)), ["goes on"]),
    ],
)
def test_only_what_the_ledger_tells_may_be_missing(found: Struck, missed: list[str]) -> None:
    name = f"{GOES_ON.name}: "
    assert [target.name.removeprefix(name) for target in found.targets() if not target.met] == missed
