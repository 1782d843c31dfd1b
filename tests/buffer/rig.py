"""A log that a test can hold: small sizes, commits only when asked, everything it gave out remembered."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from buffer.aside import Aside, quarantined
from buffer.disk import Disk
from buffer.ledger import Balance
from buffer.log import Log
from buffer.record import Record
from buffer.settled import Count
from config.models import LogSettings
from config.vocabulary import RecordKind, Stream

BOOT_ID = "0123456789abcdef" * 2
NEVER = "3600s"
SYNC_S = 10.0
EVENTS, READINGS = Stream.EVENTS, Stream.READINGS
DATA, EVENT = RecordKind.DATA, RecordKind.EVENT


def settings(
    *, cap: str = "100MB", segment: str = "1MB", commit_interval: str = NEVER, events_cap: str | None = None
) -> LogSettings:
    sizes = {"cap": cap, "segment": segment, "events_cap": events_cap}
    return LogSettings.model_validate({**sizes, "commit_interval": commit_interval, "at_least": "30d"})


def preamble(stream: Stream) -> Sequence[tuple[RecordKind, bytes]]:
    name = stream.name.encode()
    return (
        (RecordKind.TAGS, b"tags of " + name),
        (RecordKind.ANCHOR, b"anchor of " + name),
        (RecordKind.STATE, b"state of " + name),
    )


def nothing() -> None:
    """Be told that something was stored, and do nothing."""


def open_log(
    directory: Path,
    *,
    run: int = 1,
    uplinks: Mapping[str, bool] | None = None,
    disk: Disk | None = None,
    boot_id: str = BOOT_ID,
    cap: str = "100MB",
    segment: str = "1MB",
    commit_interval: str = NEVER,
    events_cap: str | None = None,
) -> Log:
    return Log.open(
        directory,
        run=run,
        boot_id=boot_id,
        settings=settings(cap=cap, segment=segment, commit_interval=commit_interval, events_cap=events_cap),
        uplinks={"main": True} if uplinks is None else uplinks,
        preamble=preamble,
        on_stored=nothing,
        disk=disk,
    )


def put(
    log: Log, body: bytes, *, count: int = 1, stream: Stream = READINGS, urgent: bool = False
) -> int | None:
    """Append one record of the stream's usual kind."""
    kind = DATA if stream is READINGS else EVENT
    readings = count if stream is READINGS else 0
    return log.append(
        stream, kind, body, first_boot_ns=1000, last_boot_ns=2000, count=readings, urgent=urgent
    )


def noise(seed: int, size: int = 1000) -> bytes:
    """Return a body that does not compress and that no other seed gives."""
    return random.Random(seed).randbytes(size)


def unsettled(log: Log, uplink: str = "main", stream: Stream = READINGS) -> list[Record]:
    """Read everything stored that an uplink still needs."""
    reader = log.reader(uplink, stream, start="oldest_unacknowledged")
    found: list[Record] = []
    while (records := reader.next(100, 1 << 20)) or reader.searching:
        found += records
    return found


def asides(log: Log, uplink: str = "main") -> list[Aside]:
    """What lies in quarantine for an uplink and has not left it, in the order of its keys."""
    directory = log._parts.quarantine.directory
    return [aside for aside in quarantined(directory, uplink) if log.asides.holds(uplink, aside.key)]


def acknowledge(log: Log, records: Sequence[Record], uplink: str = "main") -> None:
    for record in records:
        log.acknowledge(uplink, record.stream, record.run, record.seq, record.seq, record.count)


def balance(log: Log, uplink: str = "main", stream: Stream = READINGS) -> Balance:
    return log.ledger().balances[uplink][stream]


def lost(balance: Balance) -> Count:
    total = Count()
    for count in balance.lost.values():
        total = total.plus(count)
    return total


def assert_adds_up(log: Log, *, to_the_reading: bool = True) -> None:
    """Hold every balance to its sum, and its backlog to what a reader really finds.

    `to_the_reading`: False where one damage took settled and unsettled records; their readings are estimates
    until the next opening.
    """
    log.sync(SYNC_S)
    for uplink, streams in log.ledger().balances.items():
        for stream, found in streams.items():
            parts = found.delivered.plus(found.backlog).plus(found.quarantined).plus(lost(found))
            assert parts == found.recorded, (uplink, stream, found)
            records = unsettled(log, uplink, stream)
            read = Count(len(records), sum(record.count for record in records))
            assert read.records == found.backlog.records, (uplink, stream, found, read)
            assert not to_the_reading or read == found.backlog, (uplink, stream, found, read)


def segments(directory: Path, stream: Stream = READINGS) -> list[Path]:
    return sorted(directory.glob(f"{stream.name.lower()}-*.seg"))


def crash(log: Log, directory: Path) -> Path:
    """Return a copy of the directory as a kill would leave it: what was stored, and nothing after that."""
    copy = directory.with_name(directory.name + "-crashed")
    shutil.copytree(directory, copy)
    log.close()
    return copy


def written(directory: Path, records: int = 10, *, segment: str = "1MB") -> None:
    """Leave a log of records in segments that were stopped in order."""
    log = open_log(directory, segment=segment)
    for at in range(records):
        put(log, noise(at, 500), count=2)
        if at % 10 == 9:
            log.sync(SYNC_S)
    log.close()


def losses(log: Log) -> list[dict[str, object]]:
    """Make the log record what it owes, and return the bodies of its LOSS records."""
    put(log, b"begin", stream=EVENTS)
    log.sync(SYNC_S)
    return [orjson.loads(r.body) for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS]


def reopened(directory: Path, run: int = 2) -> Log:
    log = open_log(directory, run=run)
    assert_adds_up(log)
    return log
