"""Files that are torn, altered, missing, swapped or foreign: what they cost is exact, and told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from buffer.settled import Count
from config.vocabulary import LossCause, RecordKind
from tests.buffer.rig import (
    READINGS,
    SYNC_S,
    acknowledge,
    assert_adds_up,
    balance,
    crash,
    losses,
    lost,
    noise,
    open_log,
    put,
    reopened,
    segments,
    unsettled,
    written,
)


@pytest.mark.parametrize("kept", [0.0, 0.2, 0.5, 0.9])
def test_a_torn_tail_is_cut_counted_and_told(tmp_path: Path, kept: float) -> None:
    log = open_log(tmp_path / "log")
    for at in range(5):
        put(log, noise(at), count=2)
    log.sync(SYNC_S)
    whole = segments(tmp_path / "log")[0].stat().st_size
    put(log, noise(9), count=2)
    log.sync(SYNC_S)
    crashed = crash(log, tmp_path / "log")
    path = segments(crashed)[0]
    frame = path.stat().st_size - whole
    os.truncate(path, whole + int(frame * kept))
    log = open_log(crashed, run=2)
    assert log.recovery.torn_bytes == int(frame * kept)
    told = losses(log)
    assert [loss["cause"] for loss in told] == (["torn_tail"] if kept else [])
    assert [record.seq for record in unsettled(log)] == [1, 2, 3, 4, 5]
    assert_adds_up(log)
    log.close()
    log = reopened(crashed, run=3)
    assert log.recovery.torn_bytes == 0
    assert log.recovery.losses == ()
    log.close()


@pytest.mark.parametrize("acknowledged", [0, 5])
def test_damage_exactly_where_a_reader_goes_on_is_told(tmp_path: Path, acknowledged: int) -> None:
    log = open_log(tmp_path, cap="10MB")
    for at in range(5):
        put(log, noise(at), count=2)
    log.sync(SYNC_S)
    live = log.reader("main", READINGS, start="now")
    acknowledge(log, unsettled(log)[:acknowledged])
    for at in range(5, 1500):
        put(log, noise(at), count=2)
        if at % 300 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    path = segments(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[live.origin.place.offset + 64 + 10] ^= 1
    path.write_bytes(content)
    assert live.next(1, 1 << 20)[0].seq == 7
    assert [(loss["first"], loss["last"], loss["readings"]) for loss in losses(log)] == [(6, 6, 2)]
    assert balance(log).lost == {LossCause.DAMAGED: Count(1, 2)}
    assert_adds_up(log)
    log.close()


def test_a_tail_of_zeros_is_a_torn_tail(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    put(log, b"x")
    log.sync(SYNC_S)
    crashed = crash(log, tmp_path / "log")
    with segments(crashed)[0].open("ab") as file:
        file.write(bytes(5000))
    log = open_log(crashed, run=2)
    assert log.recovery.torn_bytes == 5000
    assert [record.seq for record in unsettled(log)] == [1]
    log.close()


def test_a_bad_record_in_the_middle_is_skipped_and_told(tmp_path: Path) -> None:
    written(tmp_path)
    path = segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[data.index(noise(4, 500)) + 100] ^= 4
    path.write_bytes(data)
    log = open_log(tmp_path, run=2)
    put(log, b"begin")
    log.sync(SYNC_S)
    assert [record.seq for record in unsettled(log)] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 1]
    assert losses(log) == [
        {
            "uplink": "main",
            "stream": "readings",
            "run": 1,
            "first": 5,
            "last": 5,
            "count": 1,
            "readings": 2,
            "cause": "damaged",
        }
    ]
    assert_adds_up(log)
    log.close()
    log = reopened(tmp_path, run=3)
    assert lost(balance(log)) == Count(1, 2)
    log.close()


def test_a_bad_record_in_an_unfinished_segment_is_found_at_opening(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    for at in range(6):
        put(log, noise(at, 500), count=2)
    log.sync(SYNC_S)
    crashed = crash(log, tmp_path / "log")
    path = segments(crashed)[0]
    data = bytearray(path.read_bytes())
    data[data.index(noise(2, 500)) - 30] ^= 1
    path.write_bytes(data)
    log = reopened(crashed)
    assert [(loss.first, loss.last, loss.readings, loss.cause) for loss in log.recovery.losses] == [
        (3, 3, 2, LossCause.DAMAGED)
    ]
    log.close()


def test_a_missing_segment_is_told_with_its_exact_numbers(tmp_path: Path) -> None:
    written(tmp_path, 100, segment="20kB")
    paths = segments(tmp_path)
    assert len(paths) >= 3
    paths[1].unlink()
    log = open_log(tmp_path, run=2)
    kept = {record.seq for record in unsettled(log)}
    gone = set(range(1, 101)) - kept
    (loss,) = losses(log)
    assert set(range(loss["first"], loss["last"] + 1)) == gone
    assert (loss["count"], loss["readings"]) == (len(gone), 2 * len(gone))
    assert_adds_up(log)
    log.close()
    log = reopened(tmp_path, run=3)
    assert log.recovery.losses == ()
    log.close()


@pytest.mark.parametrize("which", [0, -1])
def test_a_missing_first_or_last_segment_is_counted_exactly(tmp_path: Path, which: int) -> None:
    written(tmp_path, 100, segment="20kB")
    segments(tmp_path)[which].unlink()
    log = reopened(tmp_path)
    kept = len(unsettled(log))
    assert kept < 100
    assert lost(balance(log)) == Count(100 - kept, 2 * (100 - kept))
    assert balance(log).recorded == Count(100, 200)
    log.close()


def test_all_segments_missing_is_a_loss_and_not_a_reason_to_stop(tmp_path: Path) -> None:
    written(tmp_path, 20)
    for path in tmp_path.glob("*.seg"):
        path.unlink()
    log = reopened(tmp_path)
    assert balance(log).lost == {LossCause.DAMAGED: Count(20, 40)}
    assert put(log, b"on we go") == 1
    log.close()


def test_swapped_and_renamed_segments_are_put_in_order_by_what_they_say(tmp_path: Path) -> None:
    written(tmp_path, 100, segment="20kB")
    first, second, *_ = segments(tmp_path)
    spare = tmp_path / "spare"
    first.rename(spare)
    second.rename(first)
    spare.rename(second)
    log = reopened(tmp_path)
    assert [record.seq for record in unsettled(log)] == list(range(1, 101))
    assert log.recovery.losses == ()
    log.close()


def test_a_copy_of_a_segment_is_left_alone_and_named(tmp_path: Path) -> None:
    written(tmp_path)
    path = segments(tmp_path)[0]
    shutil.copy(path, tmp_path / "readings-0000000077.seg")
    log = reopened(tmp_path)
    assert log.recovery.ignored == ("readings-0000000077.seg",)
    assert [record.seq for record in unsettled(log)] == list(range(1, 11))
    put(log, b"next")
    log.sync(SYNC_S)
    assert (tmp_path / "readings-0000000078.seg").exists()
    log.close()


def test_another_gateways_segment_is_never_sent_as_ours(tmp_path: Path) -> None:
    written(tmp_path / "ours", 30, segment="8kB")
    written(tmp_path / "theirs", 10)
    shutil.copy(segments(tmp_path / "theirs")[0], tmp_path / "ours" / "readings-0000000099.seg")
    log = reopened(tmp_path / "ours")
    assert log.recovery.ignored == ("readings-0000000099.seg",)
    assert len(unsettled(log)) == 30
    log.close()


@pytest.mark.parametrize("content", [b"", b"rubbish", bytes(5000)])
def test_a_segment_without_one_whole_record_is_cleared_away(tmp_path: Path, content: bytes) -> None:
    written(tmp_path)
    (tmp_path / "readings-0000000044.seg").write_bytes(content)
    log = reopened(tmp_path)
    assert log.recovery.emptied == ("readings-0000000044.seg",)
    assert [record.seq for record in unsettled(log)] == list(range(1, 11))
    log.close()


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "notes.txt").write_text("do not delete", encoding="utf-8")
    (tmp_path / "folder.seg").mkdir()
    log = reopened(tmp_path)
    assert log.recovery.ignored == ("folder.seg",)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "do not delete"
    log.close()


@pytest.mark.parametrize("at", [0, 9, 20, 40, 100])
def test_a_damaged_beginning_costs_no_record(tmp_path: Path, at: int) -> None:
    written(tmp_path, 60, segment="10kB")
    path = segments(tmp_path)[1]
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    log = reopened(tmp_path)
    assert [record.seq for record in unsettled(log)] == list(range(1, 61))
    assert log.recovery.losses == ()
    record = unsettled(log)[0]
    assert log.preamble_of(record)[RecordKind.TAGS] == b"tags of READINGS"
    log.close()


def test_a_damaged_seal_is_replaced_by_a_scan(tmp_path: Path) -> None:
    written(tmp_path, 60, segment="10kB")
    path = segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    log = reopened(tmp_path)
    assert [record.seq for record in unsettled(log)] == list(range(1, 61))
    log.close()
