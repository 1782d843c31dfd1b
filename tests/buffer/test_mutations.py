"""Seeded damage to a log's files: it opens, never gives altered data, and accounts for what is gone."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from buffer.log import Log
from buffer.record import Record
from config.vocabulary import RecordKind, Stream
from tests.buffer.rig import (
    EVENTS,
    SYNC_S,
    acknowledge,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    unsettled,
)

SEEDS = range(300)
TORTURE_SEEDS = range(1000, 1000 + 50 * int(os.environ.get("TORTURE_N", "20")))
Key = tuple[Stream, int, int]


@dataclass(frozen=True)
class Original:
    """A log before anything is done to it. `needed`: what the uplink had not acknowledged."""

    directory: Path
    bodies: dict[Key, bytes]
    needed: frozenset[Key]


def key_of(record: Record) -> Key:
    return (record.stream, record.run, record.seq)


def everything(log: Log) -> list[Record]:
    return [record for stream in Stream for record in unsettled(log, stream=stream)]


def run_once(directory: Path, run: int, crash: Path | None) -> dict[Key, bytes]:
    """Write a few segments, acknowledge some, and stop; `crash` gets what a kill would leave."""
    log = open_log(directory, run=run, cap="2MB", segment="15kB")
    for at in range(60):
        put(log, noise(1000 * run + at, 300 + at % 7 * 100), count=at)
        if at % 6 == 0:
            put(log, b'{"kind":"alarm","at":%d}' % at, stream=EVENTS)
        if at % 10 == 9:
            log.sync(SYNC_S)
    bodies = {key_of(record): record.body for record in everything(log) if record.run == run}
    acknowledge(
        log, [record for record in unsettled(log) if record.run == run and record.seq in range(5, 30)]
    )
    log._upkeep.save_cursors()
    log.sync(SYNC_S)
    if crash is not None:
        shutil.copytree(directory, crash)
    log.close()
    return bodies


@pytest.fixture(scope="module")
def original(ram: Path) -> Original:
    root = ram / "original"
    root.mkdir()
    bodies = run_once(root / "log", 1, None) | run_once(root / "log", 2, root / "crashed")
    copy = root / "looked at"
    shutil.copytree(root / "crashed", copy)
    log = open_log(copy, run=3, cap="2MB")
    needed = frozenset(key_of(record) for record in everything(log))
    log.close()
    return Original(root / "crashed", bodies, needed)


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def zero(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice([1, 16, 512, 4096]))
    data[start:end] = bytes(end - start)
    path.write_bytes(data)


def scramble(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.randrange(1, 2000))
    data[start:end] = rng.randbytes(end - start)
    path.write_bytes(data)


def remove(path: Path, rng: random.Random) -> None:
    path.unlink()


def empty(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


def lengthen(path: Path, rng: random.Random) -> None:
    with path.open("ab") as file:
        file.write(rng.choice([bytes(700), rng.randbytes(700), path.read_bytes()[-300:]]))


def swap(path: Path, rng: random.Random) -> None:
    first, second = rng.sample(sorted(path.parent.glob("*.seg")), 2)
    ours, theirs = first.read_bytes(), second.read_bytes()
    first.write_bytes(theirs)
    second.write_bytes(ours)


def rename(path: Path, rng: random.Random) -> None:
    path.rename(path.with_name(rng.choice([path.name + ".bak", f"readings-{rng.randrange(10**10):010}.seg"])))


def cut_out(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    start = rng.randrange(len(data))
    path.write_bytes(data[:start] + data[start + rng.randrange(1, 3000) :])


MUTATIONS: list[Callable[[Path, random.Random], None]] = [
    *[flip] * 6, truncate, truncate, zero, zero, scramble, remove, empty, lengthen, swap, rename, cut_out
]  # fmt: skip


EXACT = {"flip", "remove", "empty", "lengthen", "swap", "rename"}


def mutate(directory: Path, rng: random.Random) -> tuple[str, Path]:
    paths = sorted(directory.glob("*.seg")) * 3 + sorted(directory.glob("cursor-*"))
    path, mutation = rng.choice(paths), rng.choice(MUTATIONS)
    mutation(path, rng)
    return mutation.__name__, path


def told_missing(log: Log) -> int:
    """Return how many records the LOSS records name, those of unknown number included."""
    bodies = [orjson.loads(r.body) for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS]
    return sum(body["count"] for body in bodies)


def survive(original: Original, directory: Path, seed: int) -> None:
    rng = random.Random(seed)
    shutil.copytree(original.directory, directory)
    what, path = mutate(directory, rng)
    log = open_log(directory, run=3, cap="2MB")
    kept = everything(log)
    assert all(original.bodies[key_of(record)] == record.body for record in kept), what
    missing = original.needed - {key_of(record) for record in kept}
    if what == "flip" and path.suffix == ".seg":
        assert len(missing) <= 1, (what, path)
    put(log, b"begin", stream=EVENTS)
    log.sync(SYNC_S)
    assert told_missing(log) == len(missing), (what, path)
    if path.suffix == ".seg":
        assert sum(lost(balance(log, stream=stream)).records for stream in Stream) == len(missing)
    assert_adds_up(log, to_the_reading=what in EXACT)
    log.close()
    log = open_log(directory, run=4, cap="2MB")
    assert log.recovery.losses == ()
    assert_adds_up(log)
    log.close()
    shutil.rmtree(directory)


def test_300_seeded_mutations_are_survived_and_accounted_for(original: Original, tmp_path: Path) -> None:
    for seed in SEEDS:
        survive(original, tmp_path / str(seed), seed)


@pytest.mark.torture
def test_many_more_seeded_mutations_are_survived(original: Original, tmp_path: Path) -> None:
    for seed in TORTURE_SEEDS:
        survive(original, tmp_path / str(seed), seed)
