"""A disk that really is full: a tmpfs of a few megabytes, where this user may mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from buffer.log import Log
from config.vocabulary import LossCause
from tests.buffer.rig import (
    EVENTS,
    READINGS,
    SYNC_S,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    unsettled,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"capability: no small disk can be mounted here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buffer.upkeep.FULL_GRACE_S", 0.0)


def write(log: Log, records: int) -> int:
    """Append as an agent does, however the disk is; return how many were refused."""
    refused = 0
    for at in range(records):
        refused += put(log, noise(at, 4000), count=2) is None
        if at % 20 == 0:
            try_to_sync(log)
    try_to_sync(log)
    return refused


def try_to_sync(log: Log) -> None:
    """Have the writer make one whole attempt: it stores everything, or finds that the disk is full."""
    attempted = Event()
    log._writer.tasks.append(attempted.set)
    log._writer.wake()
    assert attempted.wait(SYNC_S)
    assert log._writer.full or not any(channel.pending_bytes for channel in log._channels.values())
    log.ledger()


def fill_up(disk: Path) -> Path:
    """Take every byte that is left."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


def test_a_log_larger_than_its_disk_lets_the_oldest_readings_go(small_disk: Path) -> None:
    log = open_log(small_disk / "log", cap="100MB", segment="200kB")
    refused = write(log, 2000)
    put(log, b"event", stream=EVENTS)
    log.sync(SYNC_S)
    found = balance(log)
    assert found.recorded.records == 2000
    assert found.lost[LossCause.DISK_FULL].records >= refused
    assert unsettled(log)[-1].seq == 2000
    assert lost(balance(log, stream=EVENTS)).records == 0
    assert_adds_up(log)
    log.close()
    log = open_log(small_disk / "log", run=2, cap="100MB")
    assert_adds_up(log)
    assert log.recovery.losses == ()
    log.close()


def test_with_no_byte_left_events_are_stored_and_work_resumes_when_there_is_room(small_disk: Path) -> None:
    log = open_log(small_disk / "log", cap="100MB", segment="2MB")
    put(log, b"first event", stream=EVENTS)
    write(log, 20)
    filler = fill_up(small_disk)
    write(log, 300)
    assert log.ledger().full
    alarm = put(log, b"alarm", stream=EVENTS, urgent=True)
    attempts = (try_to_sync(log) for _ in range(50))
    assert any(log.stored_seq(EVENTS) == alarm for _ in attempts)
    assert any(event.body == b"alarm" for event in unsettled(log, stream=EVENTS))
    filler.unlink()
    log.sync(SYNC_S)
    before = lost(balance(log))
    assert write(log, 50) == 0
    assert not log.ledger().full
    assert log.stored_seq(READINGS) == 370
    assert lost(balance(log)) == before
    assert_adds_up(log)
    log.close()
