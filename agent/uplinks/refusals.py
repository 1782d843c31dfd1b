"""Which streams a platform refuses, record after record: such a stream rests, so that the others go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.ranges import Ranges
from buffer.record import Record
from config.vocabulary import Stream

IN_A_ROW: Final = 5
REST_S: Final = 30.0
LONGEST_REST_S: Final = 300.0


@dataclass(slots=True)
class _Standing:
    """How a platform takes a stream. `row`: refusals since it took one; `until_s`: when it may go on."""

    row: int = 0
    rest_s: float = REST_S
    until_s: float = -math.inf


class Refusals:
    """What an uplink's platform refused, over all its connections. `now_s`: any steady clock.

    After IN_A_ROW refusals a stream rests; then one record is tried, and the next rest is twice as long until
    one is taken. So whatever a platform refuses costs it few records, and no other stream its turn.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._standing = {stream: _Standing() for stream in Stream}
        self._records: dict[tuple[int, Stream], Ranges] = {}

    def knows(self, record: Record) -> bool:
        """Tell whether the platform refused a record."""
        return record.seq in self._records.get((record.run, record.stream), ())

    def connected(self) -> None:
        """Let what rested be tried on a new connection."""
        for standing in self._standing.values():
            standing.until_s = -math.inf

    def wait_s(self, stream: Stream) -> float:
        """How long a stream must rest; infinite while a record of it is being tried."""
        return max(0.0, self._standing[stream].until_s - self._now_s())

    def sent(self, stream: Stream) -> None:
        """Note that a record leaves: where its stream is on trial, no other does until it was answered."""
        standing = self._standing[stream]
        if standing.row >= IN_A_ROW:
            standing.until_s = math.inf

    def taken(self, stream: Stream) -> None:
        """Note that the platform took a record."""
        self._standing[stream] = _Standing()

    def remember(self, record: Record) -> None:
        """Have it known that the platform refused a record."""
        self._records.setdefault((record.run, record.stream), Ranges()).add(record.seq)

    def refused(self, stream: Stream) -> bool:
        """Note that the platform refused a record of a stream; tell whether it takes nothing any more."""
        standing = self._standing[stream]
        standing.row += 1
        if standing.row < IN_A_ROW:
            return False
        standing.until_s = self._now_s() + standing.rest_s
        standing.rest_s = min(LONGEST_REST_S, 2 * standing.rest_s)
        return all(found.row >= IN_A_ROW for found in self._standing.values())
