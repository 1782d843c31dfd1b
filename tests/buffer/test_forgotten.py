"""What a cursor has no room for: it may be sent again, and is never counted as what it is not."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

from buffer.cursor import MAX_RELEASED, SLOT_BYTES, CursorFile
from buffer.disk import Disk
from buffer.log import Log
from buffer.settled import MAX_SPANS, Count
from config.vocabulary import LossCause, Stream
from tests.buffer.rig import (
    EVENTS,
    SYNC_S,
    acknowledge,
    asides,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    segments,
    unsettled,
)

HOLES = 2 * MAX_SPANS


def write(log: Log, records: int) -> None:
    for at in range(records):
        put(log, noise(at), count=2)
        if at % 10 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)


def with_holes(log: Log) -> None:
    """Have more ranges acknowledged than a cursor remembers, and the latest of them forgotten."""
    write(log, 2 * HOLES)
    acknowledge(log, unsettled(log)[::2])


def put_aside(log: Log, *, last: bool) -> None:
    log.quarantine("main", unsettled(log)[-1 if last else 0], "not liked")
    log.sync(SYNC_S)
    log.ledger()


def finish(log: Log) -> None:
    log._upkeep.save_cursors()
    log.sync(SYNC_S)


def test_what_lies_in_quarantine_needs_no_cursor_to_be_known(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with_holes(log)
    put_aside(log, last=False)
    put_aside(log, last=True)
    log.close()
    log = open_log(tmp_path, run=2)
    assert balance(log).quarantined == Count(2, 4)
    kept, forgotten = asides(log)
    assert forgotten.record.seq not in {record.seq for record in unsettled(log)}
    put(log, b"begin", stream=EVENTS)
    log.asides.discard("main", forgotten.key)
    finish(log)
    assert balance(log).lost == {LossCause.DISCARDED: Count(1, 2)}
    assert balance(log).quarantined == Count(1, 2)
    assert [aside.name for aside in asides(log)] == [kept.name]
    assert_adds_up(log)
    log.close()


def test_a_forgotten_record_in_quarantine_is_not_lost_with_its_segment(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB", segment="30kB")
    with_holes(log)
    put_aside(log, last=False)
    put_aside(log, last=True)
    log.close()
    log = open_log(tmp_path, run=2, cap="1MB", segment="30kB")
    put(log, b"begin", stream=EVENTS)
    write(log, 1500)
    forgotten = asides(log)[1]
    assert (
        forgotten.record.seq
        < log.ledger().balances["main"][forgotten.record.stream].lost[LossCause.CAP].records
    )
    before = balance(log)
    assert before.quarantined == Count(2, 4)
    log.asides.discard("main", forgotten.key)
    finish(log)
    assert lost(balance(log)) == lost(before).plus(Count(1, 2))
    assert balance(log).quarantined == Count(1, 2)
    assert_adds_up(log)
    log.close()


def test_a_lost_cursor_does_not_cost_the_account_what_lies_in_quarantine(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    write(log, 5)
    put_aside(log, last=True)
    log.close()
    (tmp_path / "cursor-main").unlink()
    log = open_log(tmp_path, run=2)
    assert balance(log).quarantined == Count(1, 2)
    assert [record.seq for record in unsettled(log)] == [1, 2, 3, 4]
    assert_adds_up(log)
    log.close()


def test_segments_that_were_settled_and_went_are_not_missed_after_a_restart(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB", segment="30kB")
    put(log, b"begin", stream=EVENTS)
    with_holes(log)
    write(log, 300)
    acknowledge(log, unsettled(log)[HOLES:])
    there = set(segments(tmp_path))
    write(log, 600)
    finish(log)
    assert there - set(segments(tmp_path))
    before = balance(log)
    log.close()
    log = open_log(tmp_path, run=2, cap="1MB", segment="30kB")
    assert log.recovery.losses == ()
    assert lost(balance(log)) == lost(before)
    assert_adds_up(log)
    log.close()


def test_where_a_cursor_remembers_no_more_only_the_oldest_goes(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="3MB", segment="20kB")
    put(log, b"begin", stream=EVENTS)
    write(log, 2600)
    for segment in log._books.indexes[Stream.READINGS].segments[1:-1:2]:
        assert segment.contents is not None
        numbers = range(segment.contents.first, segment.contents.last + 1)
        acknowledge(log, [record for record in unsettled(log) if record.seq in numbers])
    there = segments(tmp_path)
    write(log, 1300)
    finish(log)
    kept = [path in segments(tmp_path) for path in there]
    before = balance(log)
    assert not kept[0]
    assert lost(before).records  # though there were settled segments left
    assert MAX_SPANS / 2 < list(pairwise(kept)).count((True, False)) < MAX_SPANS
    log.close()
    log = open_log(tmp_path, run=2, cap="3MB", segment="20kB")
    assert log.recovery.losses == ()
    assert lost(balance(log)) == lost(before)
    assert_adds_up(log)
    log.close()


def test_a_record_that_a_crash_left_in_quarantine_after_its_release_goes_at_the_next_start(
    tmp_path: Path,
) -> None:
    log = open_log(tmp_path / "log")
    write(log, 5)
    put_aside(log, last=True)
    put_aside(log, last=True)
    released, kept = reversed(asides(log))
    contents = released.path.read_bytes()
    put(log, b"begin", stream=EVENTS)
    log.asides.discard("main", released.key)
    finish(log)
    shutil.copytree(tmp_path / "log", tmp_path / "crashed")
    (tmp_path / "crashed" / released.path.relative_to(tmp_path / "log")).write_bytes(contents)
    log.close()
    log = open_log(tmp_path / "crashed", run=2)
    assert [aside.name for aside in asides(log)] == [kept.name]
    assert balance(log).quarantined == Count(1, 2)
    assert balance(log).lost == {LossCause.DISCARDED: Count(1, 2)}
    assert_adds_up(log)
    log.close()


def test_a_whole_quarantine_can_be_emptied_at_once(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    put(log, b"begin", stream=EVENTS)
    write(log, 3 * MAX_RELEASED)
    for record in unsettled(log):
        log.quarantine("main", record, "not liked")
    log.sync(SYNC_S)
    log.ledger()
    for aside in asides(log):
        log.asides.discard("main", aside.key)
    finish(log)
    assert asides(log) == []
    log.close()
    assert len(CursorFile(Disk(), tmp_path / "cursor-main").read() or b"") < SLOT_BYTES / 2
    log = open_log(tmp_path, run=2)
    assert balance(log).lost == {LossCause.DISCARDED: Count(3 * MAX_RELEASED, 6 * MAX_RELEASED)}
    assert_adds_up(log)
    log.close()


def test_nothing_is_settled_by_a_strangers_file_in_the_quarantine(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    write(log, 5)
    put_aside(log, last=True)
    (aside,) = asides(log)
    log.close()
    for name in ("notes.seg", f"{1:016x}-readings-0000000002.seg"):
        shutil.copy(aside.path, aside.path.with_name(name))
    aside.path.with_name(f"{1:016x}-readings-0000000001.seg").write_bytes(b"rubbish")
    log = open_log(tmp_path, run=2)
    assert [record.seq for record in unsettled(log)] == [1, 2, 3, 4]
    assert balance(log).quarantined == Count(1, 2)
    log.close()
