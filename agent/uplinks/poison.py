"""Find the record at which a platform hangs up instead of refusing it.

Some brokers close the connection on a message that they do not like. Sent again on every connection, such a
record would hold up all others for ever. So: after a connection that ended at once, the next begins by
sending one record at a time; a record that was alone under way when three such connections ended is the
culprit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from buffer.record import Record

DEATHS: Final = 3
AT_ONCE_S: Final = 3.0
"""Less than UNANSWERED_MS of `agent/uplinks/line.py`: that a line has died says nothing about a record."""

Key = tuple[int, int, int]


def key_of(record: Record) -> Key:
    """Return what identifies a record in this log."""
    return record.run, record.stream, record.seq


class Suspicion:
    """What earlier connections of one uplink taught."""

    def __init__(self) -> None:
        self._deaths: dict[Key, int] = {}
        self.careful = False

    def ended(self, unanswered: Sequence[Record], *, after_s: float) -> None:
        """Learn from a lost connection: what was under way, and how long after the last send it went."""
        at_once = bool(unanswered) and after_s < AT_ONCE_S
        if self.careful and at_once and len(unanswered) == 1:
            key = key_of(unanswered[0])
            self._deaths[key] = self._deaths.get(key, 0) + 1
        elif not at_once:
            self._deaths.clear()
        self.careful = at_once

    def condemned(self, record: Record) -> bool:
        """Tell whether this record must not be sent again."""
        return self._deaths.get(key_of(record), 0) >= DEATHS
