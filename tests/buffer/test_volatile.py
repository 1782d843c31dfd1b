from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from buffer.disk import Disk
from buffer.errors import DirectoryUnusable
from buffer.log import Log
from buffer.preambles import Kept
from buffer.settled import Count
from buffer.volatile import Opened, Volatile, open_somewhere
from config.vocabulary import RecordKind
from tests.buffer.faulty import FaultyDisk
from tests.buffer.rig import (
    BOOT_ID,
    EVENTS,
    SYNC_S,
    acknowledge,
    assert_adds_up,
    balance,
    lost,
    nothing,
    open_log,
    preamble,
    put,
    settings,
    unsettled,
)


def opened(
    root: Path, *, run: int, disk: Disk | None = None, name: str = "log"
) -> tuple[Log, Volatile | None]:
    found = somewhere(root, run=run, disk=disk, name=name)
    return found.log, found.volatile


def somewhere(root: Path, *, run: int, disk: Disk | None = None, name: str = "log") -> Opened:
    return open_somewhere(
        root / name,
        ram=root / "ram",
        run=run,
        boot_id=BOOT_ID,
        settings=settings(),
        uplinks={"main": True},
        preamble=preamble,
        on_stored=nothing,
        disk=disk,
    )


def test_a_healthy_disk_is_used_and_nothing_is_left_of_the_probe(tmp_path: Path) -> None:
    log, volatile = opened(tmp_path, run=1)
    assert volatile is None
    put(log, b"x")
    log.close()
    log, volatile = opened(tmp_path, run=2)
    assert volatile is None
    assert [record.body for record in unsettled(log)] == [b"x"]
    assert not list((tmp_path / "log").glob("probe*"))
    log.close()


def test_a_disk_that_cannot_sync_is_replaced_by_ram_and_noticed_when_healed(tmp_path: Path) -> None:
    open_log(tmp_path / "log").close()
    disk = FaultyDisk()
    disk.sync_fails = True
    log, volatile = opened(tmp_path, run=2, disk=disk)
    assert volatile is not None
    assert "无法将数据同步到磁盘" in volatile.words.show("zh")
    put(log, b"live")
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log))
    assert balance(log).delivered == Count(1, 1)
    assert not volatile.healed()
    disk.sync_fails = False
    assert volatile.healed()
    log.close()


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS])
def test_a_disk_that_cannot_be_written_is_replaced_by_ram(tmp_path: Path, error: int) -> None:
    open_log(tmp_path / "log").close()
    disk = FaultyDisk()
    disk.create_error = error
    log, volatile = opened(tmp_path, run=2, disk=disk)
    assert volatile is not None
    log.close()


def test_a_restart_in_ram_goes_on_where_it_was(tmp_path: Path) -> None:
    open_log(tmp_path / "log").close()
    disk = FaultyDisk()
    disk.sync_fails = True
    log, _ = opened(tmp_path, run=2, disk=disk)
    put(log, b"unsent")
    log.close()
    log, volatile = opened(tmp_path, run=3, disk=disk)
    assert volatile is not None
    assert [record.body for record in unsettled(log)] == [b"unsent"]
    log.close()


def test_what_ram_could_not_send_is_accounted_for_when_the_disk_is_back(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    put(log, b"stored", count=5)
    log.close()
    disk = FaultyDisk()
    disk.sync_fails = True
    log, _ = opened(tmp_path, run=2, disk=disk)
    for at in range(3):
        put(log, b"%d" % at, count=2)
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log)[:1])
    log.close()
    log, volatile = opened(tmp_path, run=3)
    assert volatile is None
    assert (tmp_path / "ram").exists()
    put(log, b"begin", stream=EVENTS)
    log._upkeep.save_cursors()
    log.sync(SYNC_S)
    assert not (tmp_path / "ram").exists()
    assert lost(balance(log)) == Count(2, 4)
    assert any(b'"readings":4' in event.body for event in unsettled(log, stream=EVENTS))
    assert [record.body for record in unsettled(log)] == [b"stored"]
    assert_adds_up(log)
    log.close()
    log, _ = opened(tmp_path, run=4)
    assert lost(balance(log)) == Count(2, 4)
    assert_adds_up(log)
    log.close()


def test_each_medium_goes_on_from_what_the_other_left(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    put(log, b"on disk")
    log.close()
    disk = FaultyDisk()
    disk.sync_fails = True
    in_ram = somewhere(tmp_path, run=2, disk=disk)
    previous = in_ram.log.recovery.previous
    assert previous is not None
    assert (previous.run, previous.clean, in_ram.healed) == (1, True, False)
    assert in_ram.log.recovery.state == Kept(b"state of EVENTS", BOOT_ID)
    put(in_ram.log, b"in RAM")
    newest = (RecordKind.STATE, b"state in RAM")
    in_ram.log.append(EVENTS, *newest, first_boot_ns=1 << 61, last_boot_ns=1 << 61)
    in_ram.log.sync(SYNC_S)
    in_ram.log.close()
    healed = somewhere(tmp_path, run=3)
    previous = healed.log.recovery.previous
    assert previous is not None
    assert (previous.run, previous.clean, healed.healed) == (2, True, True)
    assert healed.log.recovery.state == Kept(b"state in RAM", BOOT_ID)
    healed.log.close()


def test_a_strangers_directory_in_ram_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "ram").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DirectoryUnusable, match="belongs to somebody else"):
        opened(tmp_path, run=1)


def test_what_is_wrong_with_the_setup_is_still_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory", encoding="utf-8")
    with pytest.raises(DirectoryUnusable):
        opened(tmp_path, run=1, name="file")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "mounted"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(directory)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"capability: no read-only disk can be mounted here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_a_read_only_file_system_is_replaced_by_ram(read_only: Path) -> None:
    log, volatile = opened(read_only, run=1, name="mounted")
    assert volatile is not None
    assert "cannot be written: Read-only file system" in str(volatile.words)
    put(log, b"x")
    log.sync(SYNC_S)
    assert len(unsettled(log)) == 1
    log.close()


def test_starts_are_counted_on_from_one_medium_to_the_other(tmp_path: Path) -> None:
    disk, starts = FaultyDisk(), []
    for run, fails in enumerate((False, False, True, True, False, False)):
        disk.sync_fails = fails
        log = somewhere(tmp_path, run=run, disk=disk).log
        starts.append(log.recovery.start)
        put(log, b"begin", stream=EVENTS)
        log._upkeep.save_cursors()
        log.sync(SYNC_S)
        log.close()
    assert starts == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("error", "healed"),
    [(errno.EIO, False), (errno.EACCES, False), (errno.EMFILE, False), (errno.ENOSPC, True), (0, True)],
)
def test_a_disk_is_well_when_a_log_could_be_opened_on_it(tmp_path: Path, error: int, healed: bool) -> None:
    disk = FaultyDisk()
    disk.sync_fails = True
    log, volatile = opened(tmp_path, run=1, disk=disk)
    assert volatile is not None
    disk.sync_fails = False
    disk.create_error = error
    assert volatile.healed() is healed
    log.close()
