"""Every operation by which the log changes the disk, behind one small interface, so that tests can watch it.

All raise OSError as the system gives it, but for syncs: after a failed sync nobody knows what is on the disk
and a second try may report success without storing, so it has a class of its own that nobody retries.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_NOW: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class SyncFailed(Exception):  # noqa: N818 - the failure's own word
    """A sync failed: what was written since the one before may or may not be stored."""


def no_room(error: OSError) -> bool:
    """Tell whether the disk or the quota is full."""
    return error.errno in _NO_ROOM


def not_now(error: OSError) -> bool:
    """Tell whether the same call may succeed later, with nothing done about it here."""
    return error.errno in _NOT_NOW


class Disk:
    """The operating system's own operations."""

    def create(self, path: Path) -> int:
        """Create a new, empty file and return its descriptor. Raises FileExistsError."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def open(self, path: Path) -> int:
        """Open an existing file for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        written = os.pwrite(descriptor, data, offset)
        while written < len(data):
            written += os.pwrite(descriptor, data[written:], offset + written)

    def allocate(self, descriptor: int, size_bytes: int) -> None:
        """Give the file `size_bytes` of real room."""
        os.posix_fallocate(descriptor, 0, size_bytes)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut the file off."""
        os.ftruncate(descriptor, size_bytes)

    def sync(self, descriptor: int) -> None:
        """Return when the file's contents survive a power cut. Raises SyncFailed."""
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            raise SyncFailed(str(error)) from error

    def sync_directory(self, path: Path) -> None:
        """Return when the directory's entries survive a power cut. Raises SyncFailed."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise SyncFailed(str(error)) from error
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)

    def unlink(self, path: Path) -> None:
        """Delete a file; no fault where it is already gone."""
        path.unlink(missing_ok=True)
