"""Records that leave the quarantine again: offered to their uplink until it has answered.

Not kept over a restart: until it is answered a record stays in quarantine, and may be sent again from there.
"""

from __future__ import annotations

from collections.abc import Iterator

from buffer.aside import Aside
from buffer.record import Record
from config.vocabulary import Stream

_Key = tuple[Stream, int, int]


class Again:
    """One walk through what an uplink is to have again in one stream; more may come at any time."""

    exhausted = searching = blocked = False

    def __init__(self, stream: Stream, waiting: dict[_Key, Aside]) -> None:
        self.stream = stream
        self._waiting = waiting
        self._given: set[_Key] = set()

    def next(self, max_records: int, max_bytes: int) -> list[Record]:
        """Return the next records, as `Reader.next`; each once for as long as it is not answered."""
        self._given &= self._waiting.keys()
        records: list[Record] = []
        for key, aside in self._waiting.items():
            if len(records) == max_records or max_bytes <= 0:
                break
            if key[0] is self.stream and key not in self._given:
                self._given.add(key)
                records.append(aside.record)
                max_bytes -= len(aside.record.body)
        return records


class Resends:
    """What is to be sent again, by uplink. Event loop only."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[_Key, Aside]] = {}

    def offer(self, aside: Aside) -> None:
        """Have a record sent again."""
        self._of(aside.uplink)[_key(aside.record)] = aside

    def walk(self, uplink: str, stream: Stream) -> Again:
        """Return a new walk through what an uplink is to have again."""
        return Again(stream, self._of(uplink))

    def take(self, uplink: str, stream: Stream, run: int, first: int, last: int) -> list[Aside]:
        """Take out what has been answered of `first`..`last`."""
        waiting = self._of(uplink)
        answered = [key for key in waiting if key[:2] == (stream, run) and first <= key[2] <= last]
        return [waiting.pop(key) for key in answered]

    def find(self, record: Record) -> Aside | None:
        """Return the file of a record that is to be sent again."""
        return next(self._find(record), None)

    def _find(self, record: Record) -> Iterator[Aside]:
        key = _key(record)
        return (waiting[key] for waiting in self._waiting.values() if key in waiting)

    def _of(self, uplink: str) -> dict[_Key, Aside]:
        return self._waiting.setdefault(uplink, {})


def _key(record: Record) -> _Key:
    return record.stream, record.run, record.seq
