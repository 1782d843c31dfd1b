"""Records that left and that the platform has not confirmed yet, where it confirms what it has persisted.

The broker's acknowledgement frees the window and no more. What is not confirmed in time is sent again; what
stays unconfirmed however often it is sent, while the platform confirms what was sent later, is put aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agent.platforms.confirmation import Confirmed
from agent.uplinks.lanes import Taken
from agent.uplinks.poison import Key, key_of
from buffer.record import Record

MOST_RECORDS: Final = 1_000
MOST_BYTES: Final = 8_000_000
MOST_SENDS: Final = 5
_UNDER_WAY: Final = float("inf")


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """A record, how often it was sent, and since when the broker has it: `_UNDER_WAY` until it says so."""

    taken: Taken
    since_s: float
    sends: int = 1


class Unconfirmed:
    """Holds what waits for the platform's word, at most MOST_RECORDS and MOST_BYTES of bodies."""

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._waiting: dict[Key, _Waiting] = {}
        self._bytes = 0
        self._heard_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether nothing more may leave before something is confirmed."""
        return len(self._waiting) >= MOST_RECORDS or self._bytes >= MOST_BYTES

    def silent_s(self, now_s: float) -> float:
        """Return for how long the platform has confirmed nothing although something waits."""
        return now_s - self._heard_s if self._waiting else 0.0

    def add(self, taken: Taken, now_s: float) -> None:
        """Note that a record leaves, for the first time or again."""
        if not self._waiting:
            self._heard_s = now_s
        if key_of(taken.record) not in self._waiting:
            self._waiting[key_of(taken.record)] = _Waiting(taken=taken, since_s=_UNDER_WAY)
            self._bytes += len(taken.record.body)

    def left(self, record: Record, now_s: float) -> None:
        """Note that the broker has a record; the platform's word may have come before."""
        waiting = self._waiting.get(key_of(record))
        if waiting is not None:
            waiting.since_s = now_s

    def drop(self, record: Record) -> bool:
        """Forget a record; tell whether it was waiting."""
        known = self._waiting.pop(key_of(record), None)
        if known is not None:
            self._bytes -= len(record.body)
        return known is not None

    def confirm(self, ranges: Sequence[Confirmed], now_s: float) -> list[Record]:
        """Return the records that wait no longer; of others than ours nothing is believed."""
        found = [record for confirmed in ranges for record in self._of(confirmed) if self.drop(record)]
        if found:
            self._heard_s = now_s
        return found

    def overdue(self, now_s: float) -> list[Taken]:
        """Return what the broker has and the platform has not confirmed in time; see `resend`."""
        late = [found for found in self._waiting.values() if now_s - found.since_s >= self.within_s]
        return [waiting.taken for waiting in late]

    def resend(self, taken: Taken) -> bool:
        """Note that a record leaves once more; tell whether there is hope.

        There is none after MOST_SENDS while the platform confirms what left later.
        """
        waiting = self._waiting[key_of(taken.record)]
        if waiting.sends >= MOST_SENDS and self._heard_s > waiting.since_s:
            self.drop(taken.record)
            return False
        waiting.sends += 1
        waiting.since_s = _UNDER_WAY
        return True

    def put_off(self, taken: Taken, now_s: float) -> None:
        """Note that a record could not leave once more after all: it is overdue again in a while."""
        waiting = self._waiting[key_of(taken.record)]
        waiting.sends -= 1
        waiting.since_s = now_s

    def _of(self, confirmed: Confirmed) -> Iterator[Record]:
        """Yield the waiting records of a range, however wide the platform has made it."""
        run, stream, first, last = confirmed.run, confirmed.stream, confirmed.first, confirmed.last
        if last - first < len(self._waiting):
            keys: Sequence[Key] = [(run, stream, seq) for seq in range(first, last + 1)]
        else:
            keys = [key for key in self._waiting if key[:2] == (run, stream) and first <= key[2] <= last]
        for key in keys:
            if key in self._waiting:
                yield self._waiting[key].taken.record
