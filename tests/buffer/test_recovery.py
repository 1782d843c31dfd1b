"""What an earlier run left, by a stop or by a kill: taken up, told apart, never forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from buffer.preambles import Kept
from buffer.segment import MOST_MARKS, Contents
from buffer.settled import Count
from config.vocabulary import LossCause, RecordKind
from tests.buffer.faulty import FaultyDisk
from tests.buffer.rig import (
    BOOT_ID,
    EVENTS,
    READINGS,
    SYNC_S,
    acknowledge,
    balance,
    crash,
    losses,
    open_log,
    put,
    reopened,
    segments,
    unsettled,
    written,
)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("damaged", [0, 2])
def test_of_states_that_are_stored_all_the_time_few_are_known_and_the_newest_whole_one_counts(
    tmp_path: Path, clean: bool, damaged: int
) -> None:
    log = open_log(tmp_path / "log")
    put(log, b"e", stream=EVENTS)
    for at in range(50):
        later = (1 << 60) + at
        log.append(EVENTS, RecordKind.STATE, b"state %02d" % at, first_boot_ns=later, last_boot_ns=later)
    log.sync(SYNC_S)
    crashed = crash(log, tmp_path / "log")
    directory = tmp_path / "log" if clean else crashed
    (path,) = segments(directory, EVENTS)
    contents = path.read_bytes()
    for at in range(50 - damaged, 50):
        contents = contents.replace(b"state %02d" % at, b"STATE %02d" % at)
    path.write_bytes(contents)
    log = open_log(directory, run=2)
    assert log.recovery.state == Kept(b"state %02d" % (49 - damaged), BOOT_ID)
    (segment, *_) = log._books.indexes[EVENTS].segments
    assert segment.contents is not None
    assert [mark.kind for mark in segment.contents.marks].count(RecordKind.STATE) == MOST_MARKS
    log.close()


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


def test_drops_are_known_for_what_they_were_after_a_kill(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", cap="2MB")
    numbers = [put(log, bytes(60_000), count=2) for _ in range(5)]
    log.sync(SYNC_S)
    put(log, b"after")
    log._writer.once_stored.clear()
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
