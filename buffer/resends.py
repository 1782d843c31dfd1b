"""Records that leave the quarantine again: offered to their uplink until it has answered.

Only their names are kept; a record is read when its turn comes. Not kept over a restart: until it is
answered a record stays in quarantine, and may be sent again from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from buffer.aside import Aside, KeptOnce, Key, read_aside
from buffer.record import Record
from config.vocabulary import Stream

FILES_AT_ONCE: Final = 20
"""As many are read within a few milliseconds."""


@dataclass(slots=True)
class Waiting:
    """What is to be sent again of one uplink's stream. `read`: what was read of it, and is not answered."""

    files: dict[Key, Path] = field(default_factory=dict)
    read: dict[Key, Aside] = field(default_factory=dict)
    kept: KeptOnce = field(default_factory=KeptOnce)

    def forget(self, key: Key) -> Aside | None:
        """Take a record out."""
        self.files.pop(key, None)
        return self.read.pop(key, None)


class Again:
    """One walk through what an uplink is to have again in one stream; more may come at any time."""

    exhausted = False

    def __init__(self, stream: Stream, waiting: Waiting) -> None:
        self.stream = stream
        self.searching = self.blocked = False
        self._waiting = waiting
        self._given: set[Key] = set()

    def next(self, max_records: int, max_bytes: int) -> list[Record]:
        """Return the next records, as `Reader.next`; each once for as long as it is not answered."""
        self._given &= self._waiting.files.keys()
        records: list[Record] = []
        chosen = list(islice(self._unsent(), min(max_records, FILES_AT_ONCE)))
        try:
            for key in chosen:
                if max_bytes <= 0:
                    break
                aside = self._read(key)
                if aside is not None:
                    self._given.add(key)
                    records.append(aside.record)
                    max_bytes -= len(aside.record.body)
            self.blocked = False
        except OSError:
            self.blocked = True
        self.searching = bool(chosen) and not records
        return records

    def _unsent(self) -> Iterator[Key]:
        return (key for key in self._waiting.files if key not in self._given)

    def _read(self, key: Key) -> Aside | None:
        """Return a record; where its file is damaged or gone, it waits no longer.

        Raises OSError where it cannot be read now.
        """
        waiting = self._waiting
        if not waiting.read:
            waiting.kept = KeptOnce()
        aside = waiting.read.get(key) or read_aside(waiting.files[key], waiting.kept)
        if aside is None:
            waiting.forget(key)
            return None
        waiting.read[key] = aside
        return aside


class Resends:
    """What is to be sent again, by uplink and stream. Event loop only."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[str, Stream], Waiting] = defaultdict(Waiting)

    def offer(self, uplink: str, key: Key, path: Path) -> None:
        """Have a record sent again."""
        self._waiting[uplink, key.stream].files[key] = path

    def withdraw(self, uplink: str, key: Key) -> None:
        """Have a record not sent again."""
        self._waiting[uplink, key.stream].forget(key)

    def walk(self, uplink: str, stream: Stream) -> Again:
        """Return a new walk through what an uplink is to have again."""
        return Again(stream, self._waiting[uplink, stream])

    def take(self, uplink: str, stream: Stream, run: int, first: int, last: int) -> list[Aside]:
        """Take out what has been answered of `first`..`last`; what was not sent yet goes on waiting."""
        waiting = self._waiting[uplink, stream]
        answered = [key for key in waiting.read if key.run == run and first <= key.seq <= last]
        found = map(waiting.forget, answered)
        return [aside for aside in found if aside is not None]

    def find(self, record: Record) -> Aside | None:
        """Return the file of a record that is sent again."""
        key = Key.of(record)
        return next((waiting.read[key] for waiting in self._waiting.values() if key in waiting.read), None)
