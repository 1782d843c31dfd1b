"""A disk that fails when told to."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

from buffer.disk import Disk, SyncFailed


class FaultyDisk(Disk):
    """Healthy until told otherwise.

    `write_error`, `create_error`: the errno that every such call fails with, on paths that `affects` accepts.
    `sync_fails`: every sync fails. `gate`: syncs wait until it is set.
    """

    def __init__(self) -> None:
        self.write_error = 0
        self.create_error = 0
        self.sync_fails = False
        self.gate = threading.Event()
        self.gate.set()
        self.affects: Callable[[Path], bool] = lambda path: True
        self._paths: dict[int, Path] = {}

    def fill(self, error: int = errno.ENOSPC) -> None:
        """Have no room for anything from now on: on the disk, or by quota."""
        self.write_error = self.create_error = error

    def heal(self) -> None:
        """Fail no more."""
        self.write_error = self.create_error = 0

    def create(self, path: Path) -> int:
        self._maybe_fail(self.create_error, path)
        descriptor = super().create(path)
        self._paths[descriptor] = path
        return descriptor

    def open(self, path: Path) -> int:
        descriptor = super().open(path)
        self._paths[descriptor] = path
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self._maybe_fail(self.write_error, self._paths[descriptor])
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self.gate.wait()
        if self.sync_fails:
            raise SyncFailed("Input/output error")
        super().sync(descriptor)

    def _maybe_fail(self, error: int, path: Path) -> None:
        if error and self.affects(path):
            raise OSError(error, os.strerror(error), str(path))
