"""A disk that remembers every operation, and the states that a power cut could leave of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from buffer.disk import Disk

Kind = Literal["create", "write", "allocate", "truncate", "sync", "sync_directory", "unlink", "stored"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One change. `at`: offset of a write, size of an allocation or truncation, or the number stored."""

    kind: Kind
    path: Path
    at: int = 0
    data: bytes = b""


class RecordingDisk(Disk):
    """Does everything, and notes it. `without_syncs`: leave the syncs out, as a lying disk does."""

    def __init__(self, *, without_syncs: bool = False) -> None:
        self.operations: list[Operation] = []
        self._without_syncs = without_syncs
        self._paths: dict[int, Path] = {}

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._paths[descriptor] = path
        self.operations.append(Operation("create", path))
        return descriptor

    def open(self, path: Path) -> int:
        descriptor = super().open(path)
        self._paths[descriptor] = path
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        super().write(descriptor, data, offset)
        self.operations.append(Operation("write", self._paths[descriptor], offset, data))

    def allocate(self, descriptor: int, size_bytes: int) -> None:
        super().allocate(descriptor, size_bytes)
        self.operations.append(Operation("allocate", self._paths[descriptor], size_bytes))

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        super().truncate(descriptor, size_bytes)
        self.operations.append(Operation("truncate", self._paths[descriptor], size_bytes))

    def sync(self, descriptor: int) -> None:
        if not self._without_syncs:
            self.operations.append(Operation("sync", self._paths[descriptor]))

    def sync_directory(self, path: Path) -> None:
        if not self._without_syncs:
            self.operations.append(Operation("sync_directory", path))

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.operations.append(Operation("unlink", path))


@dataclass
class _File:
    """What of one file is certain, and the changes since its last sync, in order."""

    durable: bytes = b""
    pending: list[Operation] = field(default_factory=list)
    entry: Literal["certain", "new", "removed"] = "new"

    def with_changes(self, changes: list[Operation]) -> bytes:
        data = bytearray(self.durable)
        for change in changes:
            match change.kind:
                case "write":
                    end = change.at + len(change.data)
                    data.extend(bytes(max(0, end - len(data))))
                    data[change.at : end] = change.data
                case "allocate":
                    data.extend(bytes(max(0, change.at - len(data))))
                case "truncate":
                    del data[change.at :]
        return bytes(data)


State = dict[Path, bytes]
"""File contents by path."""


class PageCache:
    """Follows operations as a kernel would: what is certain to survive, and what may or may not."""

    def __init__(self, start: State | None = None) -> None:
        self._files = {path: _File(durable=data, entry="certain") for path, data in (start or {}).items()}

    def do(self, operation: Operation) -> None:
        """Take one operation into account."""
        path = operation.path
        match operation.kind:
            case "create":
                self._files[path] = _File()
            case "write" | "allocate" | "truncate":
                self._files[path].pending.append(operation)
            case "sync":
                file = self._files[path]
                file.durable, file.pending = file.with_changes(file.pending), []
            case "sync_directory":
                self._sync_directory(path)
            case "unlink" if path in self._files:
                self._files[path].entry = "removed"

    def _sync_directory(self, directory: Path) -> None:
        for path in [path for path in self._files if path.parent == directory]:
            if self._files[path].entry == "removed":
                del self._files[path]
            else:
                self._files[path].entry = "certain"

    def states(self, rng: random.Random, more: int) -> Iterator[State]:
        """Yield what a power cut now could leave: nothing unsynced, all of it, and `more` mixtures."""
        yield self._state(lambda file: [], lambda file: file.entry != "new")
        yield self._state(lambda file: file.pending, lambda file: file.entry != "removed")
        for _ in range(more):
            yield self._state(lambda file: _some(file.pending, rng), lambda file: rng.random() < 0.5)

    def _state(self, changes: Callable[[_File], list[Operation]], there: Callable[[_File], bool]) -> State:
        return {
            path: file.with_changes(changes(file))
            for path, file in self._files.items()
            if file.entry == "certain" or there(file)
        }


def _some(pending: list[Operation], rng: random.Random) -> list[Operation]:
    """Choose unsynced changes in any combination, some of them torn at a sector or anywhere."""
    chosen = []
    for change in pending:
        fate = rng.random()
        if fate < 0.4:
            chosen.append(change)
        elif fate < 0.7 and change.kind == "write":
            cut = rng.randrange(len(change.data) + 1)
            cut = cut if rng.random() < 0.5 else cut // 512 * 512
            chosen.append(Operation("write", change.path, change.at, change.data[:cut]))
    return chosen
