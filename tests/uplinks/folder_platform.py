"""A folder as a platform for the contract suite: its reader is `fengsui receive`'s own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.uplinks.drop import DropUplink
from agent.uplinks.drop_file import SUFFIX, unpack_file
from agent.uplinks.drop_folder import DropFolder
from config.uplinks import FileUplink
from tests.uplinks.contract_suite import Platform
from tests.uplinks.observer import Observer

PREFIX = "enterprise.gateway.province"
EVERY_S = 0.02


def settings(directory: Path, **more: object) -> FileUplink:
    return FileUplink.model_validate({"type": "file", "directory": directory, **more})


class FolderObserver(Observer):
    """Reads whole files in the order of their names; of those before its time only what was retained."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: set[Path] = set()
        before = {message.kind: message for message in self._new() if message.retain}
        self._found = [(kind, message.payload, True) for kind, message in before.items()]

    @property
    def seen(self) -> list[tuple[str, bytes, bool]]:  # type: ignore[override]
        self._found += [(message.kind, message.payload, False) for message in self._new()]
        return self._found

    def _new(self) -> list:
        fresh = sorted(set(self._directory.glob(f"*{SUFFIX}")) - self._read)
        self._read |= set(fresh)
        return [message for path in fresh for message in unpack_file(path.read_bytes())]


@dataclass
class FolderPlatform(Platform):
    directory: Path
    made: int = 0
    away: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self.away = self.directory.with_name("away")

    def uplink(self) -> DropUplink:
        self.made += 1
        return DropUplink(DropFolder(settings(self.directory), PREFIX, self.made), EVERY_S)

    @contextmanager
    def observing(self) -> Iterator[Observer]:
        yield FolderObserver(self.directory)

    def hold(self) -> None:
        """A folder answers by itself."""

    def go(self) -> None:
        self.directory.rename(self.away)

    def come_back(self) -> None:
        self.away.rename(self.directory)
