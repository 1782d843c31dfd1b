from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

import orjson
import pytest

from buffer.reader import PASSED_AT_ONCE
from buffer.record import MAX_BODY_BYTES
from buffer.settled import Count
from config.vocabulary import LossCause, RecordKind
from tests.buffer.rig import (
    EVENTS,
    READINGS,
    SYNC_S,
    acknowledge,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    segments,
    unsettled,
)


def test_numbers_go_up_from_one_in_each_stream(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    assert [put(log, b"r") for _ in range(3)] == [1, 2, 3]
    assert [put(log, b"e", stream=EVENTS) for _ in range(2)] == [1, 2]
    log.close()


def test_nothing_is_read_before_it_is_stored(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    reader = log.reader("main", READINGS, start="now")
    put(log, b"one")
    assert reader.next(10, 1000) == []
    assert log.stored_seq(READINGS) == 0
    log.sync(SYNC_S)
    assert [record.body for record in reader.next(10, 1000)] == [b"one"]
    assert log.stored_seq(READINGS) == 1
    log.close()


def test_a_record_comes_back_as_it_was_given(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    body = b"abc" * 5000
    seq = log.append(READINGS, RecordKind.DATA, body, first_boot_ns=7, last_boot_ns=9, count=42)
    log.sync(SYNC_S)
    log.close()
    log = open_log(tmp_path, run=2)
    (record,) = unsettled(log)
    assert (record.run, record.seq, record.kind, record.body) == (1, seq, RecordKind.DATA, body)
    assert (record.first_boot_ns, record.last_boot_ns, record.count) == (7, 9, 42)
    log.close()


def test_an_urgent_record_is_stored_without_waiting_for_the_commit_instant(tmp_path: Path) -> None:
    stored = threading.Event()
    log = open_log(tmp_path)
    log._writer._on_stored = stored.set
    put(log, b"alarm", stream=EVENTS, urgent=True)
    assert stored.wait(SYNC_S)
    assert log.stored_seq(EVENTS) == 1
    log.close()


def test_what_is_acknowledged_is_not_read_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for at in range(10):
        put(log, b"%d" % at, count=3)
    log.sync(SYNC_S)
    acknowledge(log, [record for record in unsettled(log) if record.seq % 2])
    assert [record.seq for record in unsettled(log)] == [2, 4, 6, 8, 10]
    log.close()
    log = open_log(tmp_path, run=2)
    assert [record.seq for record in unsettled(log)] == [2, 4, 6, 8, 10]
    assert balance(log).delivered == Count(5, 15)
    assert_adds_up(log)
    log.close()


def test_an_acknowledgement_of_what_is_not_stored_counts_for_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    put(log, b"one")
    log.acknowledge("main", READINGS, 1, 1, 50, 50)
    log.acknowledge("main", READINGS, 99, 1, 50, 50)
    assert balance(log).delivered == Count()
    log.sync(SYNC_S)
    assert len(unsettled(log)) == 1
    log.close()


def test_acknowledging_twice_or_in_overlapping_ranges_counts_once(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for at in range(1, 11):
        put(log, b"x", count=at)
    log.sync(SYNC_S)
    log.acknowledge("main", READINGS, 1, 3, 5, 3 + 4 + 5)
    log.acknowledge("main", READINGS, 1, 4, 4, 4)
    log.acknowledge("main", READINGS, 1, 5, 7, 5 + 6 + 7)
    log.acknowledge("main", READINGS, 1, 1, 8, sum(range(1, 9)))
    assert balance(log).delivered == Count(8, sum(range(1, 9)))
    assert_adds_up(log)
    log.close()


def test_an_overlapping_range_across_segments_is_counted_once(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="2MB", segment="20kB")
    for at in range(1, 101):
        put(log, noise(at, 500), count=at)
        if at % 10 == 0:
            log.sync(SYNC_S)
    acknowledge(log, unsettled(log)[49:50])
    log.acknowledge("main", READINGS, 1, 1, 95, 0)
    assert balance(log).delivered == Count(95, sum(range(1, 96)))
    assert_adds_up(log)
    log.close()


def test_live_and_backfill_share_a_stream_without_overlap(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment="64kB")
    for at in range(50):
        put(log, b"old %d" % at)
    log.sync(SYNC_S)
    live = log.reader("main", READINGS, start="now")
    backfill = log.reader("main", READINGS, start="oldest_unacknowledged", until=live.origin)
    for at in range(20):
        put(log, b"new %d" % at)
    log.sync(SYNC_S)
    assert [record.seq for record in live.next(100, 1 << 20)] == list(range(51, 71))
    assert not backfill.exhausted
    assert [record.seq for record in backfill.next(100, 1 << 20)] == list(range(1, 51))
    assert backfill.next(100, 1 << 20) == []
    assert backfill.exhausted
    log.close()


def test_a_reader_stops_at_its_limits_and_goes_on_from_there(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(10):
        put(log, bytes(100))
    log.sync(SYNC_S)
    reader = log.reader("main", READINGS, start="oldest_unacknowledged")
    assert [record.seq for record in reader.next(3, 1 << 20)] == [1, 2, 3]
    assert [record.seq for record in reader.next(100, 250)] == [4, 5, 6]
    assert [record.seq for record in reader.next(100, 1 << 20)] == [7, 8, 9, 10]
    log.close()


def test_reading_goes_on_across_segments_while_the_writer_goes_on(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="2MB", segment="20kB")
    reader = log.reader("main", READINGS, start="oldest_unacknowledged")
    seen: list[int] = []
    for at in range(300):
        put(log, at.to_bytes(4, "big") * 100)
        if at % 7 == 0:
            log.sync(SYNC_S)
            seen += [record.seq for record in reader.next(5, 1 << 20)]
    log.sync(SYNC_S)
    while records := reader.next(1000, 1 << 20):
        seen += [record.seq for record in records]
    assert seen == list(range(1, 301))
    assert len(segments(tmp_path)) > 1
    log.close()


def test_each_uplink_has_its_own_account(tmp_path: Path) -> None:
    log = open_log(tmp_path, uplinks={"main": True, "spare": False})
    for _ in range(4):
        put(log, b"x", count=5)
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log, "main"), "main")
    assert unsettled(log, "main") == []
    assert len(unsettled(log, "spare")) == 4
    assert balance(log, "main").delivered == Count(4, 20)
    assert balance(log, "spare").backlog == Count(4, 20)
    assert_adds_up(log)
    log.close()


def test_a_full_queue_drops_counts_and_says_so(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="2MB")
    numbers = [put(log, bytes(60_000), count=10) for _ in range(6)]
    dropped = [at + 1 for at, number in enumerate(numbers) if number is None]
    assert dropped
    assert balance(log).lost == {LossCause.PRESSURE: Count(len(dropped), 10 * len(dropped))}
    log.sync(SYNC_S)
    assert put(log, b"after", count=1) == 7
    log.sync(SYNC_S)
    losses = [orjson.loads(event.body) for event in unsettled(log, stream=EVENTS)]
    assert losses == [
        {
            "uplink": "main",
            "stream": "readings",
            "run": 1,
            "first": dropped[0],
            "last": dropped[-1],
            "count": len(dropped),
            "readings": 10 * len(dropped),
            "cause": "pressure",
        }
    ]
    assert_adds_up(log)
    log.close()
    log = open_log(tmp_path, run=2, cap="2MB")
    assert lost(balance(log)) == Count(len(dropped), 10 * len(dropped))
    assert_adds_up(log)
    log.close()


def test_a_record_that_waits_takes_little_more_memory_than_its_body_is_long(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(500):
        put(log, orjson.dumps({"event": number}), stream=EVENTS)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 500 * 2000
    log.close()


def test_readings_never_take_the_room_of_events(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="2MB")
    while put(log, bytes(60_000)) is not None:
        pass
    assert put(log, b"alarm", stream=EVENTS) is not None
    log.close()


def test_a_body_over_the_limit_is_refused_by_name(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(ValueError, match="DATA body of 65537 bytes is over 65536"):
        put(log, bytes(MAX_BODY_BYTES + 1))
    assert put(log, bytes(MAX_BODY_BYTES)) == 1
    log.close()


def test_at_the_cap_the_oldest_readings_go_and_are_accounted_for(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB", segment="64kB")
    for at in range(2000):
        put(log, noise(at), count=2)
        if at % 20 == 0:
            put(log, b"event", stream=EVENTS)
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    size = sum(path.stat().st_size for path in tmp_path.iterdir() if path.suffix == ".seg")
    assert size <= 1_000_000
    found = balance(log)
    assert found.lost[LossCause.CAP].records > 0
    assert found.recorded == Count(2000, 4000)
    kept = [record.seq for record in unsettled(log)]
    assert kept == list(range(2001 - len(kept), 2001))
    assert lost(balance(log, stream=EVENTS)) == Count()
    assert_adds_up(log)
    assert log.ledger().at_least_missed
    log.close()


def test_a_flood_of_events_costs_events_beyond_their_own_cap_and_no_readings(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="4MB", events_cap="400kB", segment="100kB")
    for at in range(100):
        put(log, noise(at), count=1)
    log.sync(SYNC_S)
    for at in range(1500):
        put(log, noise(at), stream=EVENTS)
        if at % 50 == 49:
            log.sync(SYNC_S)
    assert sum(path.stat().st_size for path in segments(tmp_path, EVENTS)) <= 400_000 + 50_000
    assert lost(balance(log)) == Count()
    events = balance(log, stream=EVENTS)
    assert events.lost[LossCause.CAP].records > 1000
    assert_adds_up(log)
    log.close()


def test_losses_at_the_cap_cover_exactly_what_is_gone(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB", segment="64kB")
    for at in range(1500):
        put(log, noise(at))
        if at % 20 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    gone: set[int] = set()
    for event in unsettled(log, stream=EVENTS):
        loss = orjson.loads(event.body)
        gone |= set(range(loss["first"], loss["last"] + 1))
        assert loss["count"] == loss["last"] - loss["first"] + 1
    assert gone == set(range(1, 1501)) - {record.seq for record in unsettled(log)}
    log.close()


def test_acknowledged_segments_go_before_any_that_are_needed(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB", segment="64kB")
    first = []
    for at in range(2000):
        put(log, noise(at))
        if at % 20 == 0:
            log.sync(SYNC_S)
            if at == 100:
                first = [record.seq for record in unsettled(log)]
            if at > 100:
                acknowledge(log, [record for record in unsettled(log) if record.seq not in first])
    assert [record.seq for record in unsettled(log)][: len(first)] == first
    assert lost(balance(log)) == Count()
    log.close()


def test_an_optional_uplinks_backlog_does_not_pin_the_log(tmp_path: Path) -> None:
    log = open_log(tmp_path, uplinks={"main": True, "spare": False}, cap="1MB", segment="64kB")
    held: list[int] = []
    for at in range(2000):
        put(log, noise(at))
        if at % 20 == 0:
            log.sync(SYNC_S)
            if at == 100:
                held = [record.seq for record in unsettled(log, "main")]
            if at > 100:
                acknowledge(log, [r for r in unsettled(log, "main") if r.seq not in held], "main")
    assert lost(balance(log, "main")) == Count()
    assert balance(log, "spare").lost[LossCause.CAP].records > 0
    assert_adds_up(log)
    log.close()


def test_a_refused_record_is_stored_in_quarantine_before_it_is_settled(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    put(log, b"poison", count=3)
    put(log, b"good", count=1)
    log.sync(SYNC_S)
    poison = unsettled(log)[0]
    log.quarantine("main", poison, "payload refused (0x99)")
    assert balance(log).quarantined == Count()
    log.sync(SYNC_S)
    assert balance(log).quarantined == Count(1, 3)
    (path,) = (tmp_path / "quarantine" / "main").iterdir()
    assert b"poison" in path.read_bytes()
    assert b"payload refused (0x99)" in path.read_bytes()
    assert b"tags of READINGS" in path.read_bytes()
    assert [record.body for record in unsettled(log)] == [b"good"]
    assert_adds_up(log)
    log.close()


def test_a_full_quarantine_turns_into_loss_not_into_a_full_disk(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB")
    for at in range(40):
        put(log, b"%d" % at)
    log.sync(SYNC_S)
    for record in unsettled(log):
        log.quarantine("main", record, "refused")
        log.sync(SYNC_S)
    found = balance(log)
    assert found.quarantined.records + found.lost[LossCause.CAP].records == 40
    assert 0 < found.quarantined.records < 40
    assert_adds_up(log)
    log.close()


def test_a_records_tags_and_newest_anchor_can_be_had(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    put(log, b"x")
    log.append(READINGS, RecordKind.ANCHOR, b"newer anchor", first_boot_ns=0, last_boot_ns=0)
    put(log, b"y")
    log.sync(SYNC_S)
    first, second = unsettled(log)
    expected = {RecordKind.TAGS: b"tags of READINGS", RecordKind.ANCHOR: b"newer anchor"}
    assert log.preamble_of(first) == log.preamble_of(second) == expected
    log.close()


def test_an_earlier_boots_records_keep_their_own_anchor(tmp_path: Path) -> None:
    log = open_log(tmp_path, run=1, boot_id="a" * 32)
    put(log, b"x")
    log.append(READINGS, RecordKind.ANCHOR, b"anchor of boot a", first_boot_ns=1 << 60, last_boot_ns=1 << 60)
    log.close()
    log = open_log(tmp_path, run=2, boot_id="b" * 32)
    put(log, b"y")
    log.sync(SYNC_S)
    old, new = unsettled(log)
    assert log.preamble_of(old)[RecordKind.ANCHOR] == b"anchor of boot a"
    assert log.preamble_of(new)[RecordKind.ANCHOR] == b"anchor of READINGS"
    log.close()


def test_a_new_uplink_starts_at_now_and_a_known_one_where_it_was(tmp_path: Path) -> None:
    log = open_log(tmp_path, uplinks={"main": True})
    put(log, b"one")
    log.close()
    log = open_log(tmp_path, run=2, uplinks={"main": True, "added": True})
    put(log, b"two")
    log.sync(SYNC_S)
    assert [record.body for record in unsettled(log, "added")] == [b"two"]
    assert [record.body for record in unsettled(log, "main")] == [b"one", b"two"]
    assert_adds_up(log)
    log.close()
    log = open_log(tmp_path, run=3, uplinks={"added": True})
    acknowledge(log, unsettled(log, "added"), "added")
    log.close()
    log = open_log(tmp_path, run=4, uplinks={"main": True, "added": True})
    assert [record.body for record in unsettled(log, "main")] == [b"one", b"two"]
    assert unsettled(log, "added") == []
    log.close()


def test_without_uplinks_the_log_still_keeps_what_fits(tmp_path: Path) -> None:
    log = open_log(tmp_path, uplinks={}, cap="1MB", segment="64kB")
    for at in range(1500):
        assert put(log, noise(at)) is not None
        if at % 20 == 0:
            log.sync(SYNC_S)
    assert log.ledger().disk_bytes <= 1_000_000
    log.close()


def test_what_is_settled_is_passed_over_in_steps(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    count = 5 * PASSED_AT_ONCE
    for _ in range(count):
        put(log, b"record")
    log.sync(SYNC_S)
    log.acknowledge("main", READINGS, 1, 1, count - 1, 0)
    log.sync(SYNC_S)
    reader = log.reader("main", READINGS, start="oldest_unacknowledged")
    calls = 0
    while not (found := reader.next(10, 1000)):
        assert reader.searching
        calls += 1
    assert [record.seq for record in found] == [count]
    assert not reader.searching
    assert calls == 4
    assert (reader.next(10, 1000), reader.searching) == ([], False)
    log.close()
