"""Alarms and verdicts in the program's own log: a line each, and a flood does not drown it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from agent.judgement_journal import MOST_LINES, WITHIN_NS, JudgementJournal
from config.vocabulary import EventKind, Priority, Withheld
from filters.event import Event
from tests.agent.rig import forwarding_plant, take, wired
from tests.records.plants import tenths
from tests.virtual import VirtualClock

S = 10**9
CUT = {
    "name": "cut",
    "title": "断水联锁",
    "cause": {"tag": "plc_0", "above": 4},
    "effects": [{"tag": "plc_1", "equals": 1, "within": "2s"}],
}


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, str(record.msg)) for record in caplog.records]


async def test_alarms_and_verdicts_are_a_line_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fengsui")
    plant, clock = forwarding_plant(tag={"h": 4}, rules={"interlocks": [CUT]}), VirtualClock()
    async with wired(plant, tmp_path, clock) as wiring:
        for raw in ([0, 0], [5, 0], [5, 0], [5, 0], [5, 0], [5, 0], [0, 0]):
            take(wiring, raw)
            await clock.advance(S)
    assert lines(caplog) == [
        ("WARNING", "alarm plc_0.H: plc_0 is 5, at or above its high limit of 4"),
        ("WARNING", "interlock 断水联锁 is demanded: plc_0 is 5"),
        ("ERROR", "interlock 断水联锁 FAILED: plc_1 was not seen; 2.00 s are allowed"),
        ("INFO", "alarm plc_0.H is over: plc_0 is 0; the limit is 4"),
    ]


def finding(number: int, kind: EventKind = EventKind.ALARM_RAISED, withheld: Withheld | None = None) -> Event:
    return Event(
        kind=kind,
        rule=f"t{number}.H",
        priority=Priority.HIGH,
        boot_ns=0,
        scan_boot_ns=0,
        withheld=withheld,
    )


def test_a_flood_is_cut_short_and_counted_but_no_failure_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "fengsui")
    journal = JudgementJournal(tenths(1))
    for number in range(1000):
        journal.tell(finding(number), number)
    journal.tell(finding(0, EventKind.INTERLOCK_FAILED), 1000)
    said = [words for _, words in lines(caplog)]
    assert len(said) == MOST_LINES + 2
    assert said[-2] == "too many findings to write here; fengsui alarms and the log have them all"
    assert "FAILED" in said[-1]
    journal.tell(finding(7), WITHIN_NS)
    (counted,) = [record for record in caplog.records if "were not written" in str(record.msg)]
    assert counted.__dict__["facts"] == {"count": 1000 - MOST_LINES}
    assert lines(caplog)[-1][1].startswith("alarm t7.H")


def test_what_is_withheld_is_not_told_here_either(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fengsui")
    journal = JudgementJournal(tenths(1))
    journal.tell(finding(0, withheld=Withheld.SHELVED), 0)
    journal.tell(finding(0, EventKind.INTERLOCK_ARMED), 0)
    assert lines(caplog) == []
