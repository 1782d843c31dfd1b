"""The reader of a file drop: whole files in the order of their names, each once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.receive.subscriber import Arrival
from agent.uplinks.drop_file import SUFFIX, NotWhole, unpack_file
from config.causes import cause_of
from config.text import Text, text

LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSource:
    """A folder to read; `take`: files are removed once their messages were handed over."""

    folder: Path
    take: bool = False


class FolderReader:
    """Reads until told to stop.

    `on_arrival` is called for every message; `on_read` before a file is taken away; `on_state` with None
    when the folder can be read, with the reason when not; `on_fault` for every file that is not whole, which
    is left where it is.
    """

    def __init__(
        self,
        source: FolderSource,
        on_arrival: Callable[[Arrival], None],
        on_state: Callable[[Text | None], None],
        on_fault: Callable[[Text], None],
        on_read: Callable[[], None],
    ) -> None:
        self._source = source
        self._on_arrival = on_arrival
        self._on_state = on_state
        self._on_fault = on_fault
        self._on_read = on_read
        self._done: set[str] = set()

    def run(self, stop: Callable[[], bool]) -> None:
        """Read what is there and what comes; `stop` is asked ten times a second, and between files."""
        while True:
            try:
                self._look(stop)
            except OSError as error:
                self._on_state(text("the folder cannot be used: {cause}", cause=cause_of(error)))
            if stop():
                return
            time.sleep(LOOK_EVERY_S)

    def _look(self, stop: Callable[[], bool]) -> None:
        names = sorted(path.name for path in self._source.folder.iterdir() if path.name.endswith(SUFFIX))
        self._on_state(None)
        self._done &= set(names)
        for name in names:
            if name not in self._done:
                self._read(self._source.folder / name)
                if stop():
                    return

    def _read(self, path: Path) -> None:
        self._done.add(path.name)
        try:
            messages = unpack_file(path.read_bytes())
        except NotWhole as error:
            self._on_fault(text("{file} is not whole: {error}", file=path.name, error=error))
            return
        for message in messages:
            self._on_arrival(Arrival(topic=message.kind, payload=message.payload, retained=False))
        if self._source.take:
            self._on_read()
            path.unlink()
