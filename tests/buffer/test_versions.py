"""Logs of earlier programs are read for as long as FORMAT.md promises; the golden files never change."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import pytest

from buffer.errors import NewerFormat
from buffer.examine import layout_of
from buffer.frame import FORMAT, LAYOUTS, Header, Layout
from buffer.inspect import backlogs, records, survey
from buffer.scan import Frame, walk
from buffer.segment import PRELUDE_BYTES, prelude
from buffer.settled import Count
from config.vocabulary import RecordKind
from tests.buffer.rig import (
    EVENTS,
    READINGS,
    asides,
    assert_adds_up,
    balance,
    open_log,
    put,
    segments,
    unsettled,
)

GOLDEN = Path(__file__).parent / "golden"
RUN = 0x1122334455667788
OTHER = FORMAT + 1


def body(at: int) -> bytes:
    return b"reading %d " % at * 20


def parse_other(data: bytes) -> Header | None:
    """Read a header of a version made up here: another magic, and the rest with every bit turned over."""
    own = LAYOUTS[FORMAT]
    turned = bytes(255 - byte for byte in data[4 : own.header_bytes])
    return own.parse(own.magic + turned) if data[:4] == b"OTHR" else None


def prelude_of(version: int) -> bytes:
    front = struct.pack("<8sHH", prelude()[:8], version, 0)
    return front + struct.pack("<I", zlib.crc32(front))


def rewrite(path: Path) -> None:
    """Write a segment anew as the version made up here has it."""
    data = path.read_bytes()
    rewritten = prelude_of(OTHER)
    (segment,) = (found for found in survey(path.parent) if found.path == path)
    for frame in walk(segment.window(), PRELUDE_BYTES):
        assert isinstance(frame, Frame)
        header = data[frame.offset + 4 : frame.end - len(frame.stored)]
        rewritten += b"OTHR" + bytes(255 - byte for byte in header) + frame.stored
    path.write_bytes(rewritten)


@pytest.fixture
def two_versions(tmp_path: Path) -> Path:
    """A log of two runs, the older one's segments in the version made up here."""
    for run in (1, 2):
        log = open_log(tmp_path, run=run)
        for at in range(5):
            put(log, body(at), count=at)
        log.close()
    rewrite(segments(tmp_path)[0])
    return tmp_path


def test_there_is_a_log_of_every_version_that_must_be_read() -> None:
    assert {version for version in (FORMAT - 1, FORMAT) if version} == LAYOUTS.keys()
    assert {f"version-{version}" for version in LAYOUTS} == {path.name for path in GOLDEN.iterdir()}


@pytest.mark.parametrize("version", sorted(LAYOUTS))
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
    (aside,) = asides(log)
    assert (aside.record.body, aside.why) == (body(5), "not liked")
    put(log, b"new")
    assert_adds_up(log)
    log.close()


def test_every_segment_is_read_as_its_own_version_says(
    two_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Layout(magic=b"OTHR", header_bytes=LAYOUTS[FORMAT].header_bytes, parse=parse_other)
    monkeypatch.setitem(LAYOUTS, OTHER, other)
    old, new = segments(two_versions)
    assert (layout_of(old), layout_of(new)) == (other, LAYOUTS[FORMAT])
    found = [(record.run, record.body) for record in records(survey(two_versions), READINGS)]
    assert found == [(run, body(at)) for run in (1, 2) for at in range(5)]
    log = open_log(two_versions, run=3)
    assert log.recovery.losses == ()
    assert [(record.run, record.body) for record in unsettled(log)] == found
    assert log.preamble_of(unsettled(log)[0])[RecordKind.TAGS] == b"tags of READINGS"
    put(log, b"new")
    assert_adds_up(log)
    log.close()
    assert [path.read_bytes()[:PRELUDE_BYTES] for path in segments(two_versions)] == [
        prelude_of(OTHER),
        prelude_of(FORMAT),
        prelude_of(FORMAT),
    ]


def test_under_a_damaged_prelude_the_first_frame_says_how_the_others_are_laid_out(
    two_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Layout(magic=b"OTHR", header_bytes=LAYOUTS[FORMAT].header_bytes, parse=parse_other)
    monkeypatch.setitem(LAYOUTS, OTHER, other)
    for path in segments(two_versions):
        data = path.read_bytes()
        path.write_bytes(bytes(PRELUDE_BYTES) + data[PRELUDE_BYTES:])
    log = open_log(two_versions, run=3)
    assert log.recovery.losses == ()
    assert len(unsettled(log)) == 10
    log.close()


def test_a_newer_version_is_refused_in_words_by_who_opens_and_by_who_only_looks(two_versions: Path) -> None:
    before = {path: path.read_bytes() for path in segments(two_versions)}
    words = (
        rf"{segments(two_versions)[0]} was written in log format {OTHER}, this program reads up to {FORMAT}"
    )
    with pytest.raises(NewerFormat, match=words) as caught:
        open_log(two_versions, run=3)
    with pytest.raises(NewerFormat, match=words):
        survey(two_versions)
    assert f"日志格式 {OTHER}" in caught.value.words.show("zh")
    assert {path: path.read_bytes() for path in segments(two_versions)} == before
