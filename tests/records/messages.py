"""Stored records as a log would give them, and a codec for them."""

from __future__ import annotations

import numpy as np

from agent.anchor import Anchor
from agent.dictionary import Dictionary
from agent.platforms.fengsui1 import Fengsui1
from agent.records import pack_scan
from agent.rows import Counters, Rows
from buffer.record import Record
from config.vocabulary import RecordKind, Stream
from drivers.contract import Stamps

RUN = 0x0123456789ABCDEF
BOOT = "0f6c1f0e1d2c4b5a8796a5b4c3d2e1f0"
CODEC = Fengsui1(enterprise="91130300MA00000009", gateway="casting-1", uplink="province")
ANCHOR = Anchor(
    boot_id=BOOT,
    boot_ns=5_000_000_000,
    utc_ns=1_795_334_400_000_000_000,
    synchronised=True,
    source="kernel",
)


def readings(
    dictionary: Dictionary,
    raw: list[float],
    *,
    seq: int = 1,
    boot_ns: int = 4_000_000_000,
    run: int = RUN,
    exact: dict[int, int | str] | None = None,
    stamps: Stamps | None = None,
    quality: int = 0,
) -> Record:
    """A DATA record with the first tags of the dictionary."""
    tags = np.arange(len(raw))
    numbers = np.array(raw)
    with np.errstate(all="ignore"):
        value = numbers * dictionary.scale[tags] + dictionary.offset[tags]
    rows = Rows(
        tags=tags,
        raw=numbers,
        value=value,
        quality=np.full(len(raw), quality, dtype=np.uint32),
        exact=exact or {},
        stamps=stamps,
    )
    counters = Counters(scanned=seq * len(raw) + 5, recorded=seq * len(raw), suppressed=(5,))
    return Record(
        run=run,
        stream=Stream.READINGS,
        seq=seq,
        kind=RecordKind.DATA,
        first_boot_ns=boot_ns,
        last_boot_ns=boot_ns,
        count=len(raw),
        body=pack_scan(rows, dictionary, counters),
    )


def on_events(kind: RecordKind, body: bytes, seq: int = 1) -> Record:
    """A record of the events stream."""
    return Record(
        run=RUN,
        stream=Stream.EVENTS,
        seq=seq,
        kind=kind,
        first_boot_ns=4_000_000_000,
        last_boot_ns=4_000_000_000,
        count=0,
        body=body,
    )
