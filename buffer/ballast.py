"""Room held back on the disk, so that a full one still takes events and LOSS records."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from buffer.disk import Disk, no_room

BALLAST_BYTES: Final = 1024 * 1024


class Ballast:
    """A file of real blocks that is given up when the disk is full and taken back when it no longer is."""

    def __init__(self, disk: Disk, path: Path, size_bytes: int) -> None:
        self.stands = False
        self.size_bytes = size_bytes
        self._disk = disk
        self._path = path

    def restore(self) -> bool:
        """Take the room; tell whether it could be had. Raises OSError for anything but a full disk.

        Want of descriptors or memory is not want of room: nothing may be deleted for it.
        """
        if self.stands:
            return True
        self._disk.unlink(self._path)
        try:
            self._fill()
        except OSError as error:
            self._disk.unlink(self._path)
            if not no_room(error):
                raise
            return False
        self.stands = True
        return True

    def release(self) -> None:
        """Give the room up."""
        self._disk.unlink(self._path)
        self.stands = False

    def _fill(self) -> None:
        descriptor = self._disk.create(self._path)
        try:
            self._disk.allocate(descriptor, self.size_bytes)
        finally:
            self._disk.close(descriptor)
