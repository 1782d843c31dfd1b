"""What people do with records that a platform refused: by name or all, a few at a time."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from agent.actions import actions
from agent.status_server import Refused
from agent.wiring import Wiring
from config.turns import at_once
from config.vocabulary import Stream
from tests.agent.rig import events, forwarding_plant, stored, take, wired
from tests.virtual import VirtualClock

UPLINK = "province"
COUNT = 45


async def refused(wiring: Wiring) -> list[str]:
    """Have every reading refused by the platform; return the records' names."""
    for reading in range(COUNT):
        take(wiring, [reading, -reading])
    for record in stored(wiring, Stream.READINGS):
        wiring.log.quarantine(UPLINK, record, "not liked")
    wiring.log.sync(10)
    wiring.log.ledger()
    return sorted(key.name for key in wiring.log.asides.keys(UPLINK))


def begin(wiring: Wiring, action: str, records: str) -> Any:
    return actions(wiring)[action]("wang", {"uplink": UPLINK, "records": records})


def noted(work: Generator[None, None, Any], turns: list[None]) -> Generator[None, None, Any]:
    """Do some work, and note every turn that it leaves to others."""
    while True:
        try:
            turns.append(next(work))
        except StopIteration as done:
            return done.value
        yield


@pytest.mark.parametrize("action", ["resend_quarantined", "drop_quarantined"])
async def test_all_of_the_quarantine_is_done_in_order_and_a_few_records_at_a_time(
    action: str, tmp_path: Path
) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        names = await refused(wiring)
        assert len(names) == COUNT
        turns: list[None] = []
        assert at_once(noted(begin(wiring, action, "all"), turns))["records"] == names
        assert len(turns) > COUNT // 10
        (told,) = [event for event in events(wiring) if event.kind == "operator_action"]
        assert told.figures == {"uplink": UPLINK, "records": "all", "user": "wang"}


async def test_what_left_the_quarantine_meanwhile_is_not_dropped_a_second_time(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        names = await refused(wiring)
        work = begin(wiring, "drop_quarantined", "all")
        next(work)
        assert at_once(begin(wiring, "drop_quarantined", ",".join(names[:3])))["records"] == names[:3]
        assert at_once(work)["records"] == names[3:]
        lost = wiring.log.ledger().balances[UPLINK][Stream.READINGS].lost
        assert sum(count.records for count in lost.values()) == COUNT


@pytest.mark.parametrize("wrong", ["1-readings-1", "", f"{1:016x}-readings-0000009999", "all,all"])
async def test_a_name_that_is_not_in_quarantine_is_refused_before_anything_is_done(
    wrong: str, tmp_path: Path
) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        names = await refused(wiring)
        with pytest.raises(Refused, match="not in quarantine"):
            begin(wiring, "drop_quarantined", f"{names[0]},{wrong}")
        assert sorted(key.name for key in wiring.log.asides.keys(UPLINK)) == names
