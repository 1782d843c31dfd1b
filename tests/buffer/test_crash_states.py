"""Every kind of state that a power cut could leave: nothing stored is missing, nothing is unreadable."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from buffer.books import Books
from buffer.channel import Place, Tail
from buffer.disk import Disk
from buffer.reader import Bound, Reader
from buffer.record import Record
from buffer.recover import recover
from buffer.settled import Fate
from tests.buffer.child import body_of
from tests.buffer.recording import Operation, PageCache, RecordingDisk, State
from tests.buffer.rig import EVENTS, READINGS, SYNC_S, acknowledge, open_log, put, unsettled

RECORDS = 120
UPLINKS = ("main",)


def run_log(directory: Path, disk: RecordingDisk, run: int) -> None:
    """One run in which everything happens: segments end, cursors move, a record is put aside, the cap bites.

    Whenever something is stored, that is noted among the operations.
    """

    def note() -> None:
        stored = log.stored_seq(READINGS)
        disk.operations.append(Operation("stored", Path(str(run)), stored))

    log = open_log(directory, run=run, cap="150kB", segment="15kB", disk=disk)
    log._writer._on_stored = note
    for seq in range(1, RECORDS + 1):
        put(log, body_of(run, seq), count=seq)
        if seq % 5 == 0:
            log.sync(SYNC_S)
        if seq % 40 == 0:
            put(log, b"event", stream=EVENTS, urgent=True)
            acknowledge(log, unsettled(log)[:15])
            log.quarantine("main", unsettled(log)[0], "refused")
            log.sync(SYNC_S)
            log._upkeep.save_cursors()
            log.sync(SYNC_S)
    log.close()


Promises = dict[int, int]
"""What the log has said by a moment: the last number stored of each run."""


def test_whenever_something_is_called_stored_all_that_was_written_is_synced(tmp_path: Path) -> None:
    disk = RecordingDisk()
    run_log(tmp_path, disk, 1)
    unsynced: set[Path] = set()
    unlisted: set[Path] = set()
    stored = 0
    for operation in disk.operations:
        match operation.kind:
            case "create" if operation.path.suffix == ".seg":
                unlisted.add(operation.path)
            case "write":
                unsynced.add(operation.path)
            case "sync":
                unsynced.discard(operation.path)
            case "sync_directory":
                unlisted = {path for path in unlisted if path.parent != operation.path}
            case "stored":
                stored += 1
                assert not unsynced | unlisted
    assert stored > 20


def test_events_are_stored_before_the_readings_of_the_same_commit(tmp_path: Path) -> None:
    disk = RecordingDisk()
    log = open_log(tmp_path, disk=disk)
    put(log, b"r")
    put(log, b"e", stream=EVENTS)
    log.sync(SYNC_S)
    disk.operations.clear()
    put(log, b"r")
    put(log, b"e", stream=EVENTS)
    log.sync(SYNC_S)
    log.close()
    done = [(operation.kind, operation.path.name.split("-")[0]) for operation in disk.operations[:4]]
    assert done == [("write", "events"), ("sync", "events"), ("write", "readings"), ("sync", "readings")]


def crash_states(
    operations: list[Operation], rng: random.Random, more: int, start: State | None = None
) -> Iterator[tuple[Promises, State]]:
    """Yield, for a cut after every operation, states that it could leave, and what had been promised."""
    cache, promises = PageCache(start), Promises()
    for operation in operations:
        cache.do(operation)
        if operation.kind == "stored":
            promises[int(operation.path.name)] = operation.at
        elif operation.kind != "sync":
            for state in cache.states(rng, more):
                yield dict(promises), state


def lay_down(state: State, origin: Path, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    for path, data in state.items():
        target = directory / path.relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.name != "ballast":
            target.write_bytes(data)


def read_all(books: Books) -> list[Record]:
    """Read what the uplink still needs, as a log would after recovery."""
    index = books.indexes[READINGS]
    end = Place(index.newest + 1, 0)
    reader = Reader(
        stream=READINGS,
        index=index,
        account=books.accounts["main"][READINGS],
        tail=lambda: Tail(end=end),
        on_missing=books.lose,
        start=Bound(Place(0, 0)),
        until=None,
    )
    return reader.next(100_000, 1 << 30)


def broken_promises(promises: Promises, directory: Path) -> list[str]:
    """Open what a cut has left and return what is wrong with it."""
    recovered = recover(Disk(), directory, run=99, uplinks=UPLINKS)
    books = recovered.books
    records = read_all(books)
    wrong = [f"altered {r.run}/{r.seq}" for r in records if r.body != body_of(r.run, r.seq)]
    wrong += [
        f"lost {loss}"
        for loss in recovered.recovery.losses
        if loss.stream is READINGS and loss.first <= promises.get(loss.run, 0)
    ]
    tally = books.accounts["main"][READINGS].settled.tally()
    accounted = len(records) + tally.total().records
    promised = sum(promises.values())
    if accounted < promised:
        wrong.append(f"{promised - accounted} of {promised} stored records unaccounted for")
    aside = len(list(directory.glob("quarantine/main/*.seg")))
    if tally.of(Fate.QUARANTINED).records > aside:
        wrong.append("a settled record is not in quarantine")
    return wrong


def explore(directory: Path, disk: RecordingDisk, more: int, seed: int) -> tuple[int, list[str]]:
    """Return how many states were looked at and what was wrong with any."""
    for run in (1, 2):
        run_log(directory / "log", disk, run)
    rng, looked, wrong = random.Random(seed), 0, []
    for promises, state in crash_states(disk.operations, rng, more):
        lay_down(state, directory / "log", directory / "after")
        wrong += broken_promises(promises, directory / "after")
        looked += 1
    return looked, wrong


def test_no_power_cut_takes_what_was_stored(tmp_path: Path) -> None:
    looked, wrong = explore(tmp_path, RecordingDisk(), more=1, seed=1)
    assert wrong == []
    assert looked > 300


def test_the_same_search_finds_a_log_that_does_not_sync(tmp_path: Path) -> None:
    _, wrong = explore(tmp_path, RecordingDisk(without_syncs=True), more=0, seed=1)
    assert len(wrong) > 10


def test_a_power_cut_during_recovery_takes_nothing_either(tmp_path: Path) -> None:
    disk = RecordingDisk()
    run_log(tmp_path / "log", disk, 1)
    rng = random.Random(3)
    cut = list(crash_states(disk.operations[: len(disk.operations) // 2], rng, 3))
    for promises, state in rng.sample(cut, 20):
        lay_down(state, tmp_path / "log", tmp_path / "first")
        again = RecordingDisk()
        start = {path: path.read_bytes() for path in (tmp_path / "first").rglob("*") if path.is_file()}
        recover(again, tmp_path / "first", run=99, uplinks=UPLINKS)
        for _, second in crash_states(again.operations, rng, 3, start):
            lay_down(second, tmp_path / "first", tmp_path / "second")
            assert broken_promises(promises, tmp_path / "second") == []


@pytest.mark.torture
def test_thousands_of_states_that_a_power_cut_could_leave(tmp_path: Path) -> None:
    looked, wrong = explore(
        tmp_path, RecordingDisk(), more=max(20, int(os.environ.get("TORTURE_N", "20"))), seed=7
    )
    assert wrong == []
    assert looked >= 1_500
