from __future__ import annotations

from pathlib import Path

from buffer.inspect import records, survey
from tests.buffer.rig import EVENTS, READINGS, SYNC_S, noise, open_log, put, segments


def test_a_running_log_can_be_looked_into_without_disturbing_it(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="2MB", segment="20kB")
    for at in range(100):
        put(log, noise(at, 500))
        if at % 10 == 9:
            put(log, b"e", stream=EVENTS)
            log.sync(SYNC_S)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found = survey(tmp_path)
    assert [record.body for record in records(found, READINGS)] == [noise(at, 500) for at in range(100)]
    assert [record.seq for record in records(found, EVENTS)] == list(range(1, 11))
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}
    put(log, b"on it goes")
    log.sync(SYNC_S)
    log.close()


def test_what_vanishes_or_is_damaged_while_looking_is_passed_over(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="2MB", segment="10kB")
    for at in range(60):
        put(log, noise(at, 500))
        if at % 10 == 9:
            log.sync(SYNC_S)
    log.close()
    (tmp_path / "readings-0000000099.seg").write_bytes(b"rubbish")
    found = survey(tmp_path)
    segments(tmp_path)[0].unlink()
    kept = [record.seq for record in records(found, READINGS)]
    assert kept == list(range(61 - len(kept), 61))
    assert 0 < len(kept) < 60
