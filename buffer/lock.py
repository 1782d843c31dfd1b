"""One agent per directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from buffer.errors import AlreadyRunning, DirectoryUnusable
from config.text import text


class Lock:
    """A lock that the kernel takes away when the process ends, however it ends.

    As a context it is given back on leaving, unless it was to be kept.
    """

    def __init__(self, directory: Path) -> None:
        """Make the directory where there is none and take it. Raises AlreadyRunning, DirectoryUnusable."""
        self._kept = False
        with usable(directory):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(directory / "lock", flags, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise AlreadyRunning(
                text(
                    "another agent (process {process}) uses {directory}; stop it, or give this one another "
                    "state directory",
                    process=holder or "?",
                    directory=directory,
                )
            ) from error
        self._say_who()

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self.release()

    def keep(self) -> None:
        """Do not give it back when the context ends."""
        self._kept = True

    def release(self) -> None:
        """Let others have the directory."""
        os.close(self._descriptor)

    def _say_who(self) -> None:
        """Write the holder's process id, for people; on a full disk they will have to do without."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)


@contextmanager
def usable(directory: Path) -> Iterator[None]:
    """Turn what the system says against using a directory into DirectoryUnusable."""
    try:
        yield
    except OSError as error:
        raise DirectoryUnusable(
            text(
                "{directory} cannot be used for the log: {reason}; it must be a directory that this user "
                "can read and write",
                directory=error.filename or directory,
                reason=error.strerror,
            )
        ) from error
