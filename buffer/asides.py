"""The quarantine of the running agent: records leave it dropped, or sent again and answered.

Of those to be sent only the names are kept; a record is read when its turn comes. Not kept over a restart:
until it is answered a record stays in quarantine, and may be sent again from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from buffer.aside import Aside, KeptOnce, Key, keys, read_aside
from buffer.books import Books
from buffer.errors import NewerFormat
from buffer.quarantine import Quarantine
from buffer.record import Record
from buffer.settled import Fate
from buffer.upkeep import Upkeep
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
        aside = waiting.read.get(key) or _readable(waiting.files[key], waiting.kept)
        if aside is None:
            waiting.forget(key)
            return None
        waiting.read[key] = aside
        return aside


def _readable(path: Path, kept: KeptOnce) -> Aside | None:
    """Return what `read_aside` does; None for what a later program has written, too: it stays where it is."""
    try:
        return read_aside(path, kept)
    except NewerFormat:
        return None


class Asides:
    """What lies in quarantine, and how it leaves again. Event loop only."""

    def __init__(self, quarantine: Quarantine, books: Books, upkeep: Upkeep) -> None:
        self._quarantine = quarantine
        self._books = books
        self._upkeep = upkeep
        self._waiting: defaultdict[tuple[str, Stream], Waiting] = defaultdict(Waiting)

    def keys(self, uplink: str) -> Iterator[Key]:
        """Return what lies there for an uplink and has not left, in no order. Raises OSError."""
        found = keys(self._quarantine.directory, uplink)
        return (key for key in found if not self._books.is_released(uplink, key))

    def holds(self, uplink: str, key: Key) -> bool:
        """Tell whether a record lies there for an uplink and has not left. Raises OSError."""
        return self._quarantine.path(uplink, key).is_file() and not self._books.is_released(uplink, key)

    def resend(self, uplink: str, key: Key) -> bool:
        """Have a record sent to its uplink again; it leaves when that is acknowledged.

        False where it has left already.
        """
        if self._books.is_released(uplink, key):
            return False
        self._waiting[uplink, key.stream].files[key] = self._quarantine.path(uplink, key)
        return True

    def discard(self, uplink: str, key: Key) -> bool:
        """Delete a record; that it is lost to its uplink becomes a LOSS record.

        False where there is none that can be read. Raises OSError where that is not possible now.
        """
        aside = _readable(self._quarantine.path(uplink, key), KeptOnce())
        if aside is None or self._books.is_released(uplink, key):
            return False
        self._waiting[uplink, key.stream].forget(key)
        self._upkeep.release(aside, Fate.DISCARDED)
        return True

    def walk(self, uplink: str, stream: Stream) -> Again:
        """Return a new walk through what is to be sent to an uplink again."""
        return Again(stream, self._waiting[uplink, stream])

    def acknowledge(self, uplink: str, stream: Stream, run: int, first: int, last: int) -> None:
        """Let go what an uplink's platform has at last."""
        for aside in self.take(uplink, stream, run, first, last):
            self._upkeep.release(aside, Fate.DELIVERED)

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
