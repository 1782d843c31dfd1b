"""Uplinks that come and go between two openings."""

from __future__ import annotations

from pathlib import Path

from buffer.log import Log
from buffer.settled import Count
from tests.buffer.rig import BOOT_ID, EVENTS, READINGS, nothing, preamble, put, settings


def opened(directory: Path, run: int, *uplinks: str, oldest: tuple[str, ...] = ()) -> Log:
    return Log.open(
        directory,
        run=run,
        boot_id=BOOT_ID,
        settings=settings(),
        uplinks=dict.fromkeys(uplinks, True),
        preamble=preamble,
        on_stored=nothing,
        oldest=oldest,
    )


def recorded(log: Log, count: int) -> None:
    for number in range(count):
        put(log, b"%d" % number)
    log.close()


def due(log: Log, uplink: str) -> list[tuple[int, int]]:
    reader = log.reader(uplink, READINGS, start="oldest_unacknowledged")
    return [(record.run, record.seq) for record in reader.next(100, 10**6)]


def test_a_new_uplink_begins_at_now_and_another_with_the_oldest_record(tmp_path: Path) -> None:
    log = opened(tmp_path, 1, "main")
    assert log.recovery.added == ()
    recorded(log, 3)
    log = opened(tmp_path, 2, "main", "late", "whole", oldest=("whole", "main"))
    assert log.recovery.added == ("late", "whole")
    assert due(log, "late") == []
    assert due(log, "whole") == [(1, 1), (1, 2), (1, 3)]
    assert due(log, "main") == [(1, 1), (1, 2), (1, 3)]
    assert log.ledger().balances["late"][READINGS].recorded == Count()
    assert log.ledger().balances["whole"][READINGS].backlog == Count(3, 3)
    recorded(log, 2)
    log = opened(tmp_path, 3, "main", "late", "whole", oldest=("late",))
    assert log.recovery.added == ()
    assert due(log, "late") == [(2, 1), (2, 2)]
    assert len(due(log, "whole")) == 5
    log.close()


def test_a_removed_uplink_is_told_with_what_it_was_never_given_until_it_is_closed(tmp_path: Path) -> None:
    log = opened(tmp_path, 1, "main", "old")
    for number in range(5):
        put(log, b"%d" % number)
    log.sync(5)
    log.acknowledge("old", READINGS, 1, 1, 2, 2)
    log.close()
    for run in (2, 3):
        log = opened(tmp_path, run, "main")
        (removed,) = log.recovery.removed
        assert removed.name == "old"
        assert removed.backlog == {READINGS: Count(3, 3), EVENTS: Count()}
        if run == 3:
            log.forget("old")
        log.close()
    log = opened(tmp_path, 4, "main")
    assert log.recovery.removed == ()
    assert list(log.ledger().balances) == ["main"]
    log.close()


def test_an_uplink_that_was_closed_and_comes_back_is_new(tmp_path: Path) -> None:
    recorded(opened(tmp_path, 1, "main", "old"), 4)
    log = opened(tmp_path, 2, "main")
    log.forget("old")
    recorded(log, 2)
    for run in (3, 4):
        log = opened(tmp_path, run, "main", "old")
        assert log.recovery.added == (("old",) if run == 3 else ())
        assert due(log, "old") == [(3, 1)] * (run == 4)
        recorded(log, 1)
    assert not list(tmp_path.glob("closed-*"))


def test_a_cursor_that_is_lost_is_not_a_new_uplink(tmp_path: Path) -> None:
    recorded(opened(tmp_path, 1, "main"), 4)
    (tmp_path / "cursor-main").unlink()
    log = opened(tmp_path, 2, "main", oldest=("main",))
    assert log.recovery.added == ()
    assert len(due(log, "main")) == 4
    log.close()
