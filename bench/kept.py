"""A log as a killed agent leaves it: full of readings that nobody has, written by the real writer."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from agent.anchor import Anchor, pack_anchor
from agent.clock import SystemClock, boot_id
from agent.dictionary import Dictionary, pack_tags, unpack_tags
from agent.records import pack_scan
from agent.rows import Counters, Float64s, Rows
from buffer.log import Log
from config.load import load
from config.plant import Plant
from config.vocabulary import RecordKind, Stream
from filters.report import SUPPRESSING_RULES

_STORED_WITHIN_S: Final = 60.0
_SYNC_EVERY: Final = 1000
_UPLINK: Final = "north"
_STEP: Final = 3.0


def keep_readings(plant_path: Path, log: Path, readings: int) -> int:
    """Write so many readings of a plant at least, and leave the log as a kill would; return how many."""
    plant = load(plant_path)
    clock = SystemClock()
    tags = pack_tags(plant, SUPPRESSING_RULES)
    anchor = Anchor(
        boot_id=boot_id(), boot_ns=clock.boot_ns(), utc_ns=clock.utc_ns(), synchronised=True, source="kernel"
    )
    writer = Log.open(
        log.with_name("written"),
        run=secrets.randbits(64),
        boot_id=anchor.boot_id,
        settings=plant.description.log,
        uplinks={_UPLINK: True},
        preamble=lambda _: [(RecordKind.TAGS, tags), (RecordKind.ANCHOR, pack_anchor(anchor))],
        on_stored=lambda: None,
    )
    kept = _write(plant, unpack_tags(tags), writer, readings, anchor.boot_ns)
    shutil.copytree(log.with_name("written"), log)
    writer.close()
    return kept


def _write(plant: Plant, dictionary: Dictionary, writer: Log, readings: int, now_ns: int) -> int:
    """Append scans of all groups in turn: seeded random walks, quantised as 16-bit registers are."""
    random = np.random.default_rng(1)
    raw = random.integers(1000, 60_000, len(plant.tags)).astype(np.float64)
    kept = scans = 0
    while kept < readings:
        raw = np.clip(raw + np.rint(random.normal(0, _STEP, len(raw))), 0, 65_535)
        for group in plant.groups:
            kept += group.count
            body = pack_scan(_rows(raw, group.span, dictionary), dictionary, _counters(kept))
            writer.append(
                Stream.READINGS,
                RecordKind.DATA,
                body,
                first_boot_ns=now_ns,
                last_boot_ns=now_ns,
                count=group.count,
            )
            scans += 1
            if scans % _SYNC_EVERY == 0:
                writer.sync(_STORED_WITHIN_S)
    writer.sync(_STORED_WITHIN_S)
    return kept


def _rows(raw: Float64s, span: slice, dictionary: Dictionary) -> Rows:
    tags = np.arange(span.start, span.stop)
    return Rows(
        tags=tags,
        raw=raw[span],
        value=raw[span] * dictionary.scale[span] + dictionary.offset[span],
        quality=np.zeros(len(tags), dtype=np.uint32),
    )


def _counters(kept: int) -> Counters:
    return Counters(scanned=kept, recorded=kept, suppressed=(0,) * len(SUPPRESSING_RULES))
