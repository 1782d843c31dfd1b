"""Disks that fail: no false "stored", nothing raised into the agent, and back to work when the disk is."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest

from buffer.disk import SyncFailed
from buffer.log import Log
from buffer.settled import Count
from config.vocabulary import LossCause, RecordKind
from tests.buffer.faulty import FaultyDisk
from tests.buffer.rig import (
    EVENTS,
    READINGS,
    SYNC_S,
    asides,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    segments,
    unsettled,
    written,
)


def wait_for_failure(log: Log) -> None:
    with pytest.raises((OSError, SyncFailed)):
        log.sync(SYNC_S)
    assert log.failure is not None


def test_a_failed_sync_stores_nothing_more_and_wakes_the_agent(tmp_path: Path) -> None:
    disk, woken = FaultyDisk(), threading.Event()
    log = open_log(tmp_path, disk=disk)
    put(log, b"one")
    log.sync(SYNC_S)
    log._writer._on_stored = woken.set
    disk.sync_fails = True
    put(log, b"two", urgent=True)
    assert woken.wait(SYNC_S)
    wait_for_failure(log)
    disk.sync_fails = False
    assert put(log, b"three") is None
    assert log.stored_seq(READINGS) == 1
    assert [record.body for record in unsettled(log)] == [b"one"]
    log.close()
    log = open_log(tmp_path, run=2)
    assert log.recovery.previous is not None
    assert not log.recovery.previous.clean
    log.close()


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS])
def test_a_failed_write_is_not_tried_again(tmp_path: Path, error: int) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk)
    put(log, b"one")
    log.sync(SYNC_S)
    disk.write_error = error
    put(log, b"two")
    wait_for_failure(log)
    log.close()
    log = open_log(tmp_path, run=2)
    assert [record.body for record in unsettled(log)] == [b"one"]
    log.close()


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_may_work_later_is_tried_later(tmp_path: Path, error: int) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk)
    disk.create_error = error
    assert put(log, b"one") == 1
    with pytest.raises(TimeoutError):
        log.sync(0.05)
    assert log.waits_for == os.strerror(error)
    disk.heal()
    log.sync(SYNC_S)
    assert log.waits_for is None
    assert [record.body for record in unsettled(log)] == [b"one"]
    assert lost(balance(log)) == Count()
    log.close()


def test_polling_never_waits_for_a_slow_disk(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk)
    disk.gate.clear()
    assert put(log, b"alarm", stream=EVENTS, urgent=True) == 1
    assert [put(log, b"%d" % at) for at in range(100)] == list(range(1, 101))
    assert log.stored_seq(EVENTS) == 0
    disk.gate.set()
    log.sync(SYNC_S)
    assert len(unsettled(log)) == 100
    log.close()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_holds_what_it_can_and_accounts_for_the_rest(tmp_path: Path, error: int) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk, cap="2MB")
    put(log, b"before")
    log.sync(SYNC_S)
    disk.fill(error)
    numbers = [put(log, noise(at, 10_000), count=2) for at in range(40)]
    with pytest.raises(TimeoutError):
        log.sync(0.05)
    assert log.ledger().full
    numbers += [put(log, noise(at, 10_000), count=2) for at in range(40, 60)]
    dropped = numbers.count(None)
    assert dropped
    disk.heal()
    log.sync(SYNC_S)
    put(log, b"after", count=1)
    log.sync(SYNC_S)
    assert not log.ledger().full
    assert [record.seq for record in unsettled(log)] == [1, *(seq for seq in numbers if seq), 62]
    found = balance(log)
    assert lost(found) == Count(dropped, 2 * dropped)
    assert LossCause.DISK_FULL in found.lost
    assert_adds_up(log)
    log.close()


def test_a_full_disk_makes_room_oldest_readings_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buffer.upkeep.FULL_GRACE_S", 0.0)
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk, cap="4MB", segment="30kB")
    for at in range(100):
        put(log, noise(at), count=1)
        if at % 10 == 0:
            put(log, b"event", stream=EVENTS)
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    before = segments(tmp_path)
    disk.affects = lambda path: before[0].exists()
    disk.fill()
    put(log, noise(1000))
    log.sync(SYNC_S)
    assert not before[0].exists()
    assert before[1].exists()
    put(log, b"event", stream=EVENTS)
    log.sync(SYNC_S)
    (loss,) = [orjson.loads(r.body) for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS]
    assert (loss["cause"], loss["first"]) == ("disk_full", 1)
    assert lost(balance(log, stream=EVENTS)) == Count()
    assert_adds_up(log)
    log.close()


def test_a_moment_without_room_costs_nothing_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk, cap="4MB", segment="30kB")
    for at in range(100):
        put(log, noise(at))
        if at % 10 == 0:
            log.sync(SYNC_S)
    disk.fill()
    put(log, noise(1000))
    with pytest.raises(TimeoutError):
        log.sync(0.05)
    disk.heal()
    log.sync(SYNC_S)
    monkeypatch.setattr("buffer.upkeep.FULL_GRACE_S", 0.0)
    log.ledger()
    log.sync(SYNC_S)
    assert len(unsettled(log)) == 101
    assert_adds_up(log)
    log.close()


def test_events_are_stored_while_readings_find_no_room(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk)
    put(log, b"e", stream=EVENTS)
    put(log, b"r")
    log.sync(SYNC_S)
    disk.affects = lambda path: not path.name.startswith("events")
    disk.fill()
    put(log, noise(1))
    put(log, b"alarm", stream=EVENTS)
    with pytest.raises(TimeoutError):
        log.sync(0.05)
    assert log.stored_seq(EVENTS) == 2
    assert log.stored_seq(READINGS) == 1
    disk.heal()
    log.sync(SYNC_S)
    assert log.stored_seq(READINGS) == 2
    log.close()


def without_any_room(disk: FaultyDisk, log: Log) -> None:
    """Fill the disk, the room of the ballast included; cursors have theirs, and names need none."""
    disk.affects = lambda path: not path.name.startswith(("cursor", "closed"))
    disk.fill()
    log._writer._ballast.release()


def test_a_dropped_record_stays_where_it_is_until_its_loss_is_stored(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path / "log", disk=disk)
    put(log, b"refused", count=3)
    put(log, b"event", stream=EVENTS)
    log.sync(SYNC_S)
    log.quarantine("main", unsettled(log)[0], "not liked")
    log.sync(SYNC_S)
    log.ledger()
    without_any_room(disk, log)
    log.asides.discard("main", asides(log)[0].key)
    log._upkeep.save_cursors()
    with pytest.raises(TimeoutError):
        log.sync(0.1)
    shutil.copytree(tmp_path / "log", tmp_path / "killed")
    disk.heal()
    log.sync(SYNC_S)
    assert not list((tmp_path / "log").glob("quarantine/*/*"))
    log.close()
    log = open_log(tmp_path / "killed", run=2)
    assert balance(log).quarantined == Count(1, 3)
    assert lost(balance(log)) == Count()
    assert_adds_up(log)
    log.close()


def test_an_uplink_is_not_closed_before_the_event_that_says_so_is_stored(tmp_path: Path) -> None:
    log = open_log(tmp_path, uplinks={"main": True, "old": True})
    put(log, b"never sent")
    log.close()
    disk = FaultyDisk()
    log = open_log(tmp_path, run=2, disk=disk)
    without_any_room(disk, log)
    put(log, b"old was removed", stream=EVENTS)
    log.forget("old")
    with pytest.raises(TimeoutError):
        log.sync(0.1)
    assert (tmp_path / "cursor-old").exists()
    disk.heal()
    log.sync(SYNC_S)
    assert log.stored_seq(EVENTS) == 1
    assert not (tmp_path / "cursor-old").exists()
    log.close()


def test_a_segment_goes_and_makes_the_room_for_what_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buffer.upkeep.FULL_GRACE_S", 0.0)
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk, cap="4MB", segment="30kB")
    put(log, b"event", stream=EVENTS)
    for at in range(100):
        put(log, noise(at))
        if at % 10 == 0:
            log.sync(SYNC_S)
    oldest = segments(tmp_path)[0]
    without_any_room(disk, log)
    disk.affects = lambda path: oldest.exists()
    put(log, b"alarm", stream=EVENTS)
    log.sync(SYNC_S)
    assert not oldest.exists()
    put(log, b"event", stream=EVENTS)
    log.sync(SYNC_S)
    causes = [
        orjson.loads(r.body)["cause"] for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS
    ]
    assert causes == ["disk_full"]
    assert_adds_up(log)
    log.close()


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_reader_jumps_over_nothing_that_cannot_be_read_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    log = open_log(tmp_path, cap="2MB", segment="30kB")
    for at in range(300):
        put(log, noise(at))
        if at % 20 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    live = log.reader("main", READINGS, start="now")
    reader = log.reader("main", READINGS, start="oldest_unacknowledged", until=live.origin)
    found = reader.next(50, 1 << 30)
    with monkeypatch.context() as patch:
        patch.setattr("buffer.scan.Window._read", partial(_fail, error))
        found += reader.next(100, 1 << 30)  # what was read ahead
        for _ in range(3):
            assert reader.next(100, 1 << 30) == []
            assert reader.searching
            assert not reader.exhausted
    while (records := reader.next(100, 1 << 30)) or reader.searching:
        found += records
    assert [record.seq for record in found] == list(range(1, 301))
    assert reader.exhausted
    assert lost(balance(log)) == Count()
    log.close()


def _fail(error: int, *_: object) -> bytes:
    raise OSError(error, os.strerror(error))


def test_a_stop_on_a_full_disk_still_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buffer.log._CLOSE_TIMEOUT_S", 0.2)
    disk = FaultyDisk()
    log = open_log(tmp_path, disk=disk)
    put(log, b"stored")
    log.sync(SYNC_S)
    disk.fill()
    put(log, b"not stored")
    log.close()
    log = open_log(tmp_path, run=2)
    assert log.recovery.previous is not None
    assert not log.recovery.previous.clean
    assert [record.body for record in unsettled(log)] == [b"stored"]
    log.close()


NOT_NOW = pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])


@contextmanager
def unreadable(error: int) -> Iterator[None]:
    """Have no file of a log readable meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("buffer.scan.Window._read", partial(_fail, error))
        yield


@NOT_NOW
def test_an_acknowledgement_that_cannot_be_counted_now_counts_when_it_can(tmp_path: Path, error: int) -> None:
    log = open_log(tmp_path, cap="2MB", segment="30kB")
    for at in range(300):
        put(log, noise(at), count=at)
        if at % 20 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    log.acknowledge("main", READINGS, 1, 50, 60, sum(range(49, 60)))
    log._upkeep.save_cursors()
    with unreadable(error):
        log.acknowledge("main", READINGS, 1, 10, 100, 0)
        assert balance(log).delivered.records == 11
    assert balance(log).delivered == Count(91, sum(range(9, 100)))
    assert log._upkeep.dirty
    assert_adds_up(log)
    log.close()
    log = open_log(tmp_path, run=2, cap="2MB", segment="30kB")
    assert balance(log).delivered == Count(91, sum(range(9, 100)))
    log.close()


@NOT_NOW
def test_what_goes_at_the_cap_goes_when_it_can_be_counted(tmp_path: Path, error: int) -> None:
    log = open_log(tmp_path, cap="1MB", segment="30kB")
    for at in range(60):
        put(log, noise(at), count=at)
        if at % 20 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    log.acknowledge("main", READINGS, 1, 3, 3, 2)
    with unreadable(error):
        for at in range(60, 1500):
            put(log, noise(at), count=at)
            if at % 20 == 0:
                log.sync(SYNC_S)
        assert lost(balance(log)) == Count()
    put(log, b"begin", stream=EVENTS)
    log.sync(SYNC_S)
    log.sync(SYNC_S)  # what had to go goes with the next commit
    assert sum(path.stat().st_size for path in segments(tmp_path)) < 1_000_000
    left = unsettled(log)
    gone = set(range(1, 1501)) - {record.seq for record in left} - {3}
    assert lost(balance(log)) == Count(len(gone), sum(seq - 1 for seq in gone))
    assert {cause for cause, _ in balance(log).lost.items()} == {LossCause.CAP}
    assert_adds_up(log)
    log.close()


@NOT_NOW
def test_a_refused_record_is_put_aside_when_what_it_needs_can_be_read(tmp_path: Path, error: int) -> None:
    log = open_log(tmp_path)
    put(log, b"refused", count=7)
    log.close()
    log = open_log(tmp_path, run=2)
    (record,) = unsettled(log)
    with unreadable(error):
        log.quarantine("main", record, "not liked")
        log.sync(SYNC_S)
        assert balance(log).quarantined == Count()
    log.sync(SYNC_S)
    log.sync(SYNC_S)
    assert balance(log).quarantined == Count(1, 7)
    (aside,) = asides(log)
    assert aside.preamble[RecordKind.TAGS] == b"tags of READINGS"
    assert_adds_up(log)
    log.close()


@NOT_NOW
def test_what_is_to_be_sent_again_is_sent_when_it_can_be_read(tmp_path: Path, error: int) -> None:
    log = open_log(tmp_path)
    put(log, b"refused", count=7)
    log.sync(SYNC_S)
    log.quarantine("main", unsettled(log)[0], "not liked")
    log.sync(SYNC_S)
    log.asides.resend("main", asides(log)[0].key)
    walk = log.asides.walk("main", READINGS)
    with unreadable(error):
        assert (walk.next(10, 1000), walk.searching, walk.blocked) == ([], True, True)
    (record,) = walk.next(10, 1000)
    assert (record.body, walk.searching, walk.blocked) == (b"refused", False, False)
    log.close()


@NOT_NOW
def test_want_of_descriptors_is_never_taken_for_want_of_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    monkeypatch.setattr("buffer.upkeep.FULL_GRACE_S", 0.0)
    written(tmp_path, 100, segment="20kB")
    disk = FaultyDisk()
    disk.affects = lambda path: path.name == "ballast"
    disk.create_error = error
    log = open_log(tmp_path, run=2, disk=disk)
    put(log, b"later", count=2)
    put(log, b"begin", stream=EVENTS)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            log.sync(0.02)
    assert len(unsettled(log)) == 100
    assert lost(balance(log)) == Count()
    disk.heal()
    log.sync(SYNC_S)
    assert len(unsettled(log)) == 101
    assert not log.ledger().full
    assert_adds_up(log)
    log.close()
