"""Acknowledged records, gathered into ranges before the log is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from buffer.record import Record
from config.vocabulary import Stream


@dataclass(slots=True, kw_only=True)
class AckRange:
    """The records `first`..`last` of one run and stream, with their readings."""

    run: int
    stream: Stream
    first: int
    last: int
    readings: int


class Acks:
    """Gathers what is acknowledged in one turn of the event loop and hands it on in ranges at its end."""

    def __init__(self, hand_on: Callable[[AckRange], None]) -> None:
        self._hand_on = hand_on
        self._ranges: list[AckRange] = []

    def add(self, record: Record) -> None:
        """Take note that the platform has this record."""
        if not self._ranges:
            asyncio.get_running_loop().call_soon(self.flush)
        newest = self._ranges[-1] if self._ranges else None
        if newest is not None and (newest.run, newest.stream, newest.last + 1) == (
            record.run,
            record.stream,
            record.seq,
        ):
            newest.last = record.seq
            newest.readings += record.count
        else:
            self._ranges.append(
                AckRange(
                    run=record.run,
                    stream=record.stream,
                    first=record.seq,
                    last=record.seq,
                    readings=record.count,
                )
            )

    def flush(self) -> None:
        """Hand on what was gathered."""
        ranges, self._ranges = self._ranges, []
        for found in ranges:
            self._hand_on(found)
