"""The folder of the file drop: whole files under their names or none at all, never more than allowed.

Everything here blocks, and belongs into a thread: the folder may be a share of another machine. While one
call hangs there, others fail at once, so that there is never more than one such thread.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from agent.uplinks.contract import Message, UplinkDown
from agent.uplinks.drop_file import PART, SUFFIX, pack_file
from config.text import text
from config.uplinks import FileUplink


class DropFolder:
    """One uplink's files in a folder, for as long as the agent runs.

    Names sort in the order of writing: `<prefix>.<start of the agent, 8 digits>.<number, 10 digits>.fengsui`.
    The folder is never made: where a share is not mounted, files in its place would fill the disk.
    """

    def __init__(self, settings: FileUplink, prefix: str, start: int) -> None:
        self._settings = settings
        self._prefix = f"{prefix}.{start:08d}"
        self._ours = re.compile(rf"{re.escape(prefix)}\.\d{{8,}}\.\d{{10,}}{re.escape(SUFFIX)}")
        self._numbers = count(1)
        self._files = 0
        self._bytes = 0
        self._in_use = threading.Lock()

    def open(self) -> None:
        """Look what is there, and clear away what was never finished. Raises OSError, UplinkDown."""
        with self._alone():
            self._open()

    def put(self, messages: Iterable[Message]) -> None:
        """Have messages on the disk, in a file that appears at once and whole.

        Raises OSError, UplinkDown where too much lies there unread.
        """
        with self._alone():
            self._put(pack_file(messages))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._in_use.acquire(blocking=False):
            raise UplinkDown(text("the folder does not answer"))
        try:
            yield
        finally:
            self._in_use.release()

    def _open(self) -> None:
        for entry in self._entries():
            unfinished = entry.name.startswith(".") and entry.name.endswith(PART)
            if unfinished and self._ours.fullmatch(entry.name[1 : -len(PART)]):
                Path(entry.path).unlink(missing_ok=True)
        self._make_sure_of_room()

    def _put(self, content: bytes) -> None:
        if not self._has_room():
            self._make_sure_of_room()
        path = self._next_path()
        part = path.with_name(f".{path.name}{PART}")
        try:
            _write(part, content)
            part.rename(path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        self._files += 1
        self._bytes += len(content)

    def _next_path(self) -> Path:
        """Return a free name, even where the agent's state was lost and its starts count anew."""
        while True:
            path = self._settings.directory / f"{self._prefix}.{next(self._numbers):010d}{SUFFIX}"
            if not path.exists():
                return path

    def _make_sure_of_room(self) -> None:
        """Count what lies there. Raises UplinkDown where that is as much as is allowed."""
        ours = [entry.stat().st_size for entry in self._entries() if self._ours.fullmatch(entry.name)]
        self._files, self._bytes = len(ours), sum(ours)
        if not self._has_room():
            raise UplinkDown(
                text(
                    "{files} files with {size} MB lie in {folder} unread; does its reader run?",
                    files=self._files,
                    size=round(self._bytes / 1e6),
                    folder=self._settings.directory,
                )
            )

    def _has_room(self) -> bool:
        settings = self._settings
        return self._files < settings.most_files and self._bytes < settings.most_bytes

    def _entries(self) -> list[os.DirEntry[str]]:
        with os.scandir(self._settings.directory) as entries:
            return list(entries)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
