from __future__ import annotations

from pathlib import Path

import pytest

from buffer.cursor import SLOT_BYTES, CursorFile, Position, decode, encode
from buffer.disk import Disk
from buffer.index import Index, Segment
from buffer.segment import Opening
from buffer.settled import MAX_SPANS, Count, Fate, Settled, Span, Tally
from config.vocabulary import LossCause, Stream
from tests.buffer.rig import READINGS, SYNC_S, acknowledge, assert_adds_up, balance, open_log, put, unsettled


def index(stream: Stream, *runs: int) -> Index:
    """The segments of some runs, one each."""
    made = Index(stream)
    for number, run in enumerate(runs, 1):
        opening = Opening(
            log=1,
            run=run,
            start=number,
            boot_id="",
            stream=stream,
            number=number,
            seq_before=0,
            readings_before=0,
            records_before_run=0,
            readings_before_run=0,
            created_utc_ns=0,
            uplinks=(),
        )
        made.add(Segment(opening=opening, path=Path()))
    return made


def position(settled: Settled) -> Position:
    return Position(
        settled=settled, stored=Count(90, 900), accounted=Count(80, 800), newest=7, released=[(9, 3)]
    )


def test_a_cursor_comes_back_as_it_was_written() -> None:
    tally = Tally({Fate.DELIVERED: Count(3, 30), Fate(LossCause.CAP): Count(1, 5)})
    settled = Settled(floor=4, below=tally, spans={9: [Span(2, 5, tally)], 8: [Span(1, 1, Tally())]})
    positions = {stream: position(settled) for stream in Stream}
    found = decode(encode(positions, {stream: index(stream, 9, 8) for stream in Stream}))
    assert found == positions


def test_the_older_slot_stands_in_for_an_altered_one(tmp_path: Path) -> None:
    path = tmp_path / "cursor"
    cursor = CursorFile(Disk(), path)
    for body in (b"one", b"two", b"three"):
        cursor.write(body)
    assert CursorFile(Disk(), path).read() == b"three"
    data = bytearray(path.read_bytes())
    newest = data.index(b"three")
    data[newest] ^= 1
    path.write_bytes(data)
    again = CursorFile(Disk(), path)
    assert again.read() == b"two"
    again.write(b"four")
    assert CursorFile(Disk(), path).read() == b"four"


@pytest.mark.parametrize("cut", [0, 5, 23, 100, SLOT_BYTES, SLOT_BYTES + 10])
def test_a_cut_cursor_gives_what_is_whole_or_nothing(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cursor"
    cursor = CursorFile(Disk(), path)
    cursor.write(b"one")
    cursor.write(b"two")
    path.write_bytes(path.read_bytes()[:cut])
    assert CursorFile(Disk(), path).read() in ((b"two", None) if cut > 23 else (None,))


def test_more_holes_than_a_cursor_holds_cost_repeats_and_never_records(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for at in range(200):
        put(log, b"%d" % at, count=2)
    log.sync(SYNC_S)
    odd = [record for record in unsettled(log) if record.seq % 2]
    acknowledge(log, odd)
    assert balance(log).delivered == Count(100, 200)
    log.close()
    log = open_log(tmp_path, run=2)
    again = {record.seq for record in unsettled(log)}
    assert balance(log).delivered == Count(MAX_SPANS, 2 * MAX_SPANS)
    assert again == set(range(1, 201)) - {record.seq for record in odd[:MAX_SPANS]}
    assert_adds_up(log)
    log.close()


def test_forty_restarts_with_an_old_hole_keep_the_hole_exact(tmp_path: Path) -> None:
    for run in range(1, 41):
        log = open_log(tmp_path, run=run)
        put(log, b"%d" % run)
        put(log, b"%d" % run)
        log.sync(SYNC_S)
        acknowledge(log, [record for record in unsettled(log) if (record.run, record.seq) != (1, 1)])
        assert_adds_up(log)
        log.close()
    log = open_log(tmp_path, run=41)
    left = [(record.run, record.seq) for record in unsettled(log)]
    assert left[0] == (1, 1)
    assert balance(log).recorded == Count(80, 80)
    assert_adds_up(log)
    log.close()


def test_a_lost_cursor_sends_everything_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(5):
        put(log, b"x")
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log))
    log.close()
    (tmp_path / "cursor-main").unlink()
    log = open_log(tmp_path, run=2)
    assert [record.seq for record in unsettled(log, stream=READINGS)] == [1, 2, 3, 4, 5]
    assert_adds_up(log)
    log.close()
