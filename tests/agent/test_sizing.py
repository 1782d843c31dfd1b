"""What `check` says of the log beforehand, against what a log really takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.dictionary import pack_tags, unpack_tags
from agent.records import pack_scan
from agent.rows import Counters, Rows
from agent.sizing import size_log
from config.vocabulary import RecordKind, Stream
from filters.report import SUPPRESSING_RULES
from tests.agent.plants import make_plant
from tests.buffer.rig import SYNC_S, open_log

SCANS = 300
TYPICAL = {"type": "int16", "scale": 0.1}


def bytes_on_disk(directory: Path, tags: int) -> int:
    """Keep a random walk of int16 values, one scan after another; return the size of the closed log."""
    plant = make_plant(tags_each=tags, tag=TYPICAL)
    dictionary = unpack_tags(pack_tags(plant, SUPPRESSING_RULES))
    random = np.random.default_rng(7)
    raw = random.integers(-3000, 3000, tags).astype(np.float64)
    log = open_log(directory, uplinks={})
    for scan in range(1, SCANS + 1):
        raw = np.clip(raw + np.rint(random.normal(0, 3, tags)), -32768, 32767)
        value = raw * dictionary.scale + dictionary.offset
        rows = Rows(tags=np.arange(tags), raw=raw, value=value, quality=np.zeros(tags, np.uint32))
        counted = Counters(
            scanned=scan * tags, recorded=scan * tags, suppressed=(0,) * len(SUPPRESSING_RULES)
        )
        body = pack_scan(rows, dictionary, counted)
        at_ns = scan * 10**9
        log.append(
            Stream.READINGS, RecordKind.DATA, body, first_boot_ns=at_ns, last_boot_ns=at_ns, count=tags
        )
        if scan % 50 == 0:
            log.sync(SYNC_S)
    log.close()
    return sum(path.stat().st_size for path in directory.glob("*.seg"))


def test_a_reading_of_a_random_walk_costs_at_most_six_bytes_with_everything(tmp_path: Path) -> None:
    assert bytes_on_disk(tmp_path, 100) / (100 * SCANS) <= 6


@pytest.mark.parametrize("tags", [1, 20, 100, 1000])
def test_the_estimate_is_near_what_the_log_takes(tmp_path: Path, tags: int) -> None:
    estimated = size_log(make_plant(tags_each=tags, tag=TYPICAL)).kept_bytes / 86_400 * SCANS
    assert 0.9 * estimated <= bytes_on_disk(tmp_path, tags) <= 1.15 * estimated


def test_a_cap_that_keeps_less_than_asked_for_is_found(tmp_path: Path) -> None:
    plant = make_plant(tags_each=100, tag=TYPICAL, log={"cap": "500MB", "at_least": "30d"})
    sizing = size_log(plant)
    assert sizing.days == pytest.approx(500e6 / (86_400 * (115 + 200)))
    assert not sizing.enough
    larger = make_plant(tags_each=100, tag=TYPICAL, log={"cap": "1GB", "at_least": "30d"})
    assert size_log(larger).enough


def test_what_is_written_follows_from_the_commits_not_from_the_scans(tmp_path: Path) -> None:
    fast = size_log(make_plant(period="50ms"))
    slow = size_log(make_plant(period="1s"))
    assert slow.written_bytes == slow.kept_bytes + 86_400 * 17_000
    assert fast.written_bytes == fast.kept_bytes + 4 * 86_400 * 17_000
