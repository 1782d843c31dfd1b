"""Logs of earlier programs are read for as long as FORMAT.md promises; the files here never change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from buffer.inspect import backlogs, records, survey
from buffer.segment import FORMAT, READABLE
from buffer.settled import Count
from config.vocabulary import RecordKind
from tests.buffer.rig import EVENTS, READINGS, assert_adds_up, balance, open_log, put, unsettled

GOLDEN = Path(__file__).parent / "golden"
RUN = 0x1122334455667788


def body(at: int) -> bytes:
    return b"reading %d " % at * 20


def test_there_is_a_log_of_every_version_that_must_be_read() -> None:
    assert {version for version in (FORMAT - 1, FORMAT) if version} == READABLE
    assert {f"version-{version}" for version in READABLE} == {path.name for path in GOLDEN.iterdir()}


@pytest.mark.parametrize("version", sorted(READABLE))
def test_a_log_of_a_readable_version_is_gone_on_from(tmp_path: Path, version: int) -> None:
    """Written: eight readings records and an event; the first three acknowledged, the sixth quarantined."""
    shutil.copytree(GOLDEN / f"version-{version}", tmp_path / "log")
    segments = survey(tmp_path / "log")
    assert [record.body for record in records(segments, READINGS)] == [body(at) for at in range(8)]
    assert backlogs(tmp_path / "log", segments)["main"][READINGS] == Count(4, 3 + 4 + 6 + 7)
    log = open_log(tmp_path / "log", run=2)
    previous = log.recovery.previous
    assert previous is not None
    assert (previous.run, previous.clean, previous.last_seq) == (RUN, True, {READINGS: 8, EVENTS: 1})
    assert log.recovery.losses == ()
    found = unsettled(log)
    assert [(record.seq, record.body) for record in found] == [(at + 1, body(at)) for at in (3, 4, 6, 7)]
    assert log.preamble_of(found[0])[RecordKind.TAGS] == b"tags of READINGS"
    assert (balance(log).delivered, balance(log).quarantined) == (Count(3, 3), Count(1, 5))
    (aside,) = log.quarantined("main")
    assert (aside.record.body, aside.why) == (body(5), "not liked")
    put(log, b"new")
    assert_adds_up(log)
    log.close()
