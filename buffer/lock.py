"""One agent per directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from buffer.errors import AlreadyRunning, DirectoryUnusable
from config.text import text


class Lock:
    """A lock that the kernel takes away when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        """Make the directory where there is none and take it. Raises AlreadyRunning, DirectoryUnusable."""
        self._path = directory / "lock"
        try:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            list(directory.iterdir())
        except OSError as error:
            raise DirectoryUnusable(
                text(
                    "{directory} cannot be used for the log: {reason}; it must be a directory that this "
                    "user can read and write",
                    directory=directory,
                    reason=error.strerror,
                )
            ) from error
        self._take(directory)

    def _take(self, directory: Path) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunning(
                text(
                    "another agent (process {process}) uses {directory}; stop it, or give this one another "
                    "state directory",
                    process=holder or "?",
                    directory=directory,
                )
            ) from error

    def note_holder(self) -> None:
        """Write who holds the lock, for people. Raises OSError."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let others have the directory."""
        os.close(self._descriptor)
