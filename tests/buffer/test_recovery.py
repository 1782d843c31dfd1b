from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from buffer.errors import AlreadyRunning, DirectoryUnusable, NewerFormat
from buffer.log import Log
from buffer.preambles import Kept
from buffer.segment import Contents
from buffer.settled import Count
from config.vocabulary import LossCause, RecordKind
from tests.buffer.faulty import FaultyDisk
from tests.buffer.rig import (
    BOOT_ID,
    EVENTS,
    READINGS,
    SYNC_S,
    acknowledge,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    segments,
    unsettled,
)


def crash(log: Log, directory: Path) -> Path:
    """Return a copy of the directory as a kill would leave it: what was stored, and nothing after that."""
    copy = directory.with_name(directory.name + "-crashed")
    shutil.copytree(directory, copy)
    log.close()
    return copy


def written(directory: Path, records: int = 10, *, segment: str = "1MB") -> None:
    log = open_log(directory, segment=segment)
    for at in range(records):
        put(log, noise(at, 500), count=2)
        if at % 10 == 9:
            log.sync(SYNC_S)
    log.close()


def losses(log: Log) -> list[dict[str, object]]:
    """Make the log record what it owes, and return the bodies of its LOSS records."""
    put(log, b"begin", stream=EVENTS)
    log.sync(SYNC_S)
    return [orjson.loads(r.body) for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS]


def reopened(directory: Path, run: int = 2) -> Log:
    log = open_log(directory, run=run)
    assert_adds_up(log)
    return log


def test_a_clean_stop_and_a_crash_are_told_apart(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", run=5)
    put(log, b"x", count=3)
    put(log, b"x", count=3)
    put(log, b"e", stream=EVENTS)
    log.sync(SYNC_S)
    crashed = crash(log, tmp_path / "log")
    for directory, clean in ((tmp_path / "log", True), (crashed, False)):
        log = reopened(directory, run=6)
        previous = log.recovery.previous
        assert previous is not None
        assert (previous.run, previous.start, previous.clean) == (5, 1, clean)
        assert previous.last_seq == {EVENTS: 1, READINGS: 2}
        assert previous.readings == 6
        assert log.recovery.start == 2
        assert log.recovery.losses == ()
        log.close()


def test_the_newest_state_and_anchor_survive_a_crash(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    put(log, b"e", stream=EVENTS)
    later = 1 << 60
    log.append(EVENTS, RecordKind.STATE, b"newest state", first_boot_ns=later, last_boot_ns=later)
    log.append(READINGS, RecordKind.ANCHOR, b"newest anchor", first_boot_ns=later, last_boot_ns=later)
    put(log, b"e", stream=READINGS)
    log.sync(SYNC_S)
    log = reopened(crash(log, tmp_path / "log"))
    assert log.recovery.state == Kept(b"newest state", BOOT_ID)
    assert log.recovery.anchor == Kept(b"newest anchor", BOOT_ID)
    log.close()


def test_a_record_that_claims_the_end_of_time_does_not_say_when_the_run_ended(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", run=5)
    put(log, b"x")
    log.append(EVENTS, RecordKind.EVENT, b"e", first_boot_ns=2**63 - 1, last_boot_ns=2**63 - 1)
    log.sync(SYNC_S)
    crashed = crash(log, tmp_path / "log")
    for directory in (tmp_path / "log", crashed):
        previous = reopened(directory, run=6).recovery.previous
        assert previous is not None
        assert 2000 <= previous.last_boot_ns < 2**63 - 1


def test_a_seal_that_claims_the_end_of_time_does_not_say_when_the_run_ended() -> None:
    sealed = Contents(last=1, next_readings=0, last_boot_ns=2**63 - 1).body()
    assert Contents.parse(sealed).last_boot_ns == 0


def test_a_state_older_than_the_previous_run_says_of_which_boot_it_is(tmp_path: Path) -> None:
    written(tmp_path / "log")
    later = open_log(tmp_path / "log", run=2, boot_id="f" * 32)
    put(later, b"x")
    later.sync(SYNC_S)
    crashed = crash(later, tmp_path / "log")
    path = segments(crashed)[-1]
    path.write_bytes(path.read_bytes().replace(b"state of READINGS", b"STATE of READINGS"))
    segments(crashed, EVENTS)[-1].unlink()
    log = open_log(crashed, run=3, boot_id="f" * 32)
    assert log.recovery.previous is not None
    assert log.recovery.previous.boot_id == "f" * 32
    assert log.recovery.state is not None
    assert log.recovery.state.boot_id == BOOT_ID
    log.close()


def test_a_first_start_has_nothing_to_recover(tmp_path: Path) -> None:
    log = open_log(tmp_path / "new" / "log")
    assert log.recovery.previous is None
    assert (log.recovery.state, log.recovery.anchor, log.recovery.start) == (None, None, 1)
    log.close()


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


def test_a_newer_format_is_refused_by_name_and_nothing_is_touched(tmp_path: Path) -> None:
    written(tmp_path)
    path = segments(tmp_path)[0]
    data = path.read_bytes()
    front = struct.pack("<8sHH", b"FENGSUI\0", 2, 0)
    path.write_bytes(front + struct.pack("<I", zlib.crc32(front)) + data[16:])
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    with pytest.raises(NewerFormat, match="log format 2, this program reads up to 1") as caught:
        open_log(tmp_path, run=2)
    assert "日志格式 2" in caught.value.words.show("zh")
    after = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    assert {name for name in before if before[name] != after.get(name)} <= {tmp_path / "lock"}
    path.write_bytes(data)
    open_log(tmp_path, run=2).close()


def test_a_second_agent_on_the_directory_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}") as caught:
        open_log(tmp_path, run=2)
    assert "正在使用" in caught.value.words.show("zh")
    log.close()
    open_log(tmp_path, run=2).close()


def test_a_file_in_the_directorys_place_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("not a directory", encoding="utf-8")
    with pytest.raises(DirectoryUnusable, match="cannot be used for the log") as caught:
        open_log(tmp_path / "log")
    assert "无法用于存储日志" in caught.value.words.show("zh")


@pytest.fixture
def closed_directory(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "closed"
    directory.mkdir()
    directory.chmod(0o500)
    yield directory
    directory.chmod(0o700)


OPEN_AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.buffer.rig import open_log
from buffer.errors import DirectoryUnusable
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    open_log(Path(sys.argv[1]))
except DirectoryUnusable as error:
    print(error)
"""


def test_a_directory_that_cannot_be_written_is_refused_in_words(closed_directory: Path) -> None:
    for directory in (closed_directory, *list(closed_directory.parents)[:3]):
        if directory != closed_directory:
            directory.chmod(directory.stat().st_mode | 0o055)
    child = subprocess.run(
        [sys.executable, "-c", OPEN_AS_NOBODY, str(closed_directory)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert f"{closed_directory}" in child.stdout, child.stderr
    assert "cannot be used for the log: Permission denied" in child.stdout


def test_a_refused_opening_leaves_the_directory_free(tmp_path: Path) -> None:
    written(tmp_path)
    path = segments(tmp_path)[0]
    data = path.read_bytes()
    front = struct.pack("<8sHH", b"FENGSUI\0", 9, 0)
    path.write_bytes(front + struct.pack("<I", zlib.crc32(front)) + data[16:])
    for _ in range(2):
        with pytest.raises(NewerFormat):
            open_log(tmp_path, run=2)


def test_drops_are_known_for_what_they_were_after_a_kill(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", cap="2MB")
    numbers = [put(log, bytes(60_000), count=2) for _ in range(5)]
    log.sync(SYNC_S)
    put(log, b"after")
    log._writer.tasks.clear()
    log.sync(SYNC_S)
    log = reopened(crash(log, tmp_path / "log"))
    dropped = numbers.count(None)
    assert balance(log).lost == {LossCause.PRESSURE: Count(dropped, 2 * dropped)}
    log.close()


def test_losses_found_at_opening_are_told_even_if_the_first_attempt_is_killed(tmp_path: Path) -> None:
    written(tmp_path / "log", 100, segment="20kB")
    segments(tmp_path / "log")[1].unlink()
    log = open_log(tmp_path / "log", run=2)
    found = log.recovery.losses
    assert found
    log._upkeep.save_cursors()
    log._drain(SYNC_S)
    log = open_log(crash(log, tmp_path / "log"), run=3)
    assert log.recovery.losses == found
    assert [loss["count"] for loss in losses(log)] == [loss.count for loss in found]
    log.close()


def test_a_cursor_never_names_what_is_not_stored(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = open_log(tmp_path / "log", disk=disk)
    put(log, b"stored")
    log.sync(SYNC_S)
    disk.affects = lambda path: path.suffix == ".seg"
    disk.fill()
    put(log, b"held")
    log._upkeep.save_cursors()
    with pytest.raises(TimeoutError):
        log.sync(0.05)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "log", copy)
    disk.heal()
    log.close()
    log = reopened(copy)
    assert log.recovery.losses == ()
    assert balance(log).recorded == Count(1, 1)
    log.close()


def test_acknowledgements_survive_a_kill_as_far_as_the_cursor_was_saved(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    for at in range(20):
        put(log, b"%d" % at)
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log)[:10])
    log._upkeep.save_cursors()
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log)[:5])
    log = reopened(crash(log, tmp_path / "log"))
    assert [record.seq for record in unsettled(log)] == list(range(11, 21))
    assert balance(log).delivered == Count(10, 10)
    log.close()
