"""The newest stored records of a stream in RAM, so that what goes out live is never read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from buffer.channel import Stored

_OBJECT_BYTES: Final = 550
"""What a record costs in RAM besides its body: the objects of `Stored` and `Record` (CPython 3.11)."""


class Recent:
    """A bounded run of the newest stored records. Belongs to the writer thread, which publishes snapshots."""

    def __init__(self, limit_bytes: int) -> None:
        self.records: tuple[Stored, ...] = ()
        self._limit_bytes = limit_bytes
        self._bytes = 0

    def add(self, stored: Sequence[Stored]) -> None:
        """Add records; the oldest go while all together are over the limit."""
        self.records = (*self.records, *stored)
        self._bytes += sum(map(_cost_bytes, stored))
        gone = 0
        while self._bytes > self._limit_bytes:
            self._bytes -= _cost_bytes(self.records[gone])
            gone += 1
        self.records = self.records[gone:]


def _cost_bytes(stored: Stored) -> int:
    return len(stored.record.body) + _OBJECT_BYTES
