"""The few things for which a log is not opened: said in words, and nothing is touched."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from buffer.errors import AlreadyRunning, DirectoryUnusable, NewerFormat
from tests.buffer.rig import (
    open_log,
    segments,
    written,
)


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
