"""What leaves the quarantine again: answered, refused once more, or dropped for good; the sums stay right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson

from buffer.aside import Aside, Key, quarantined
from buffer.asides import FILES_AT_ONCE
from buffer.log import Log
from buffer.settled import Count
from config.vocabulary import LossCause, RecordKind
from tests.buffer.rig import (
    EVENTS,
    READINGS,
    SYNC_S,
    acknowledge,
    asides,
    assert_adds_up,
    balance,
    lost,
    noise,
    open_log,
    put,
    unsettled,
)


def with_one_aside(directory: Path, *, settled: bool = False) -> Log:
    """A log of five records whose third was refused; `settled`: the others were acknowledged."""
    log = open_log(directory)
    for at in range(5):
        put(log, b"%d" % at, count=at)
    log.sync(SYNC_S)
    records = unsettled(log)
    log.quarantine("main", records[2], "not liked")
    log.sync(SYNC_S)
    if settled:
        acknowledge(log, [*records[:2], *records[3:]])
    return log


def the_one(log: Log) -> Aside:
    (aside,) = asides(log)
    return aside


def finish(log: Log) -> None:
    """Have losses and cursors stored, and what waits for that done."""
    log._upkeep.save_cursors()
    log.sync(SYNC_S)


def test_what_lies_in_quarantine_can_be_read_with_its_reason_and_preamble(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    (aside,) = quarantined(tmp_path / "quarantine")
    assert (aside.uplink, aside.why, aside.record.body, aside.record.count) == ("main", "not liked", b"2", 2)
    assert aside.name == f"{1:016x}-readings-0000000003"
    assert aside.preamble[RecordKind.TAGS] == b"tags of READINGS"
    aside.path.write_bytes(b"rubbish")
    assert list(quarantined(tmp_path / "quarantine")) == []
    log.close()


def test_a_record_sent_again_leaves_the_quarantine_when_it_is_acknowledged(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path, settled=True)
    walk = log.asides.walk("main", READINGS)
    assert walk.next(10, 1000) == []
    log.asides.resend("main", the_one(log).key)
    assert log.asides.walk("main", EVENTS).next(10, 1000) == []
    (record,) = walk.next(10, 1000)
    assert (record.seq, record.body) == (3, b"2")
    assert walk.next(10, 1000) == []
    (again,) = log.asides.walk("main", READINGS).next(10, 1000)  # a new connection begins anew
    acknowledge(log, [again])
    finish(log)
    assert asides(log) == []
    assert balance(log).quarantined == Count()
    assert balance(log).delivered == Count(5, 10)
    assert_adds_up(log)
    log.close()
    log = open_log(tmp_path, run=2)
    assert balance(log).delivered == Count(5, 10)
    log.close()


def test_a_record_refused_once_more_stays_in_quarantine(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    log.asides.resend("main", the_one(log).key)
    (record,) = log.asides.walk("main", READINGS).next(10, 1000)
    log.quarantine("main", record, "still not liked")
    finish(log)
    assert the_one(log).record == record
    assert log.asides.walk("main", READINGS).next(10, 1000) == []
    assert balance(log).quarantined == Count(1, 2)
    assert_adds_up(log)
    log.close()


def test_a_dropped_record_is_a_loss_with_its_number(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    log.asides.resend("main", the_one(log).key)
    put(log, b"begin", stream=EVENTS)
    log.asides.discard("main", the_one(log).key)
    finish(log)
    assert asides(log) == []
    assert log.asides.walk("main", READINGS).next(10, 1000) == []
    assert balance(log).lost == {LossCause.DISCARDED: Count(1, 2)}
    (loss,) = [orjson.loads(r.body) for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS]
    assert (loss["cause"], loss["first"], loss["last"], loss["readings"]) == ("discarded", 3, 3, 2)
    assert_adds_up(log)
    log.close()
    log = open_log(tmp_path, run=2)
    assert lost(balance(log)) == Count(1, 2)
    assert_adds_up(log)
    log.close()


def test_a_record_dropped_twice_is_lost_once(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    put(log, b"begin", stream=EVENTS)
    found = the_one(log)
    log.asides.discard("main", found.key)
    assert asides(log) == []
    log.asides.discard("main", found.key)
    log.asides.resend("main", found.key)
    assert log.asides.walk("main", READINGS).next(10, 1000) == []
    finish(log)
    assert list(quarantined(tmp_path / "quarantine")) == []
    assert balance(log).lost == {LossCause.DISCARDED: Count(1, 2)}
    assert balance(log).quarantined == Count()
    told = [r for r in unsettled(log, stream=EVENTS) if r.kind is RecordKind.LOSS]
    assert len(told) == 1
    assert_adds_up(log)
    log.close()


def test_a_record_sent_again_and_acknowledged_is_not_offered_a_second_time(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    others = unsettled(log)
    log.quarantine("main", others[0], "not liked either")
    log.sync(SYNC_S)
    first, second = asides(log)
    assert log.asides.resend("main", first.key)
    acknowledge(log, log.asides.walk("main", READINGS).next(10, 1000))
    assert asides(log) == [second]
    assert not log.asides.resend("main", first.key)
    acknowledge(log, [first.record])
    assert balance(log).quarantined == Count(1, second.record.count)
    finish(log)
    assert list(quarantined(tmp_path / "quarantine")) == [second]
    assert_adds_up(log)
    log.close()


def test_an_answer_to_others_takes_nothing_out_that_was_not_sent_again_yet(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    aside = the_one(log)
    log.asides.resend("main", aside.key)
    log.acknowledge("main", READINGS, 1, 1, 5, 10)
    assert the_one(log) == aside
    assert log.asides.walk("main", READINGS).next(10, 1000) == [aside.record]
    log.close()


def with_many_asides(directory: Path, count: int) -> Log:
    log = open_log(directory)
    for at in range(count):
        put(log, b"%d" % at, count=at)
    log.sync(SYNC_S)
    for record in unsettled(log):
        log.quarantine("main", record, "not liked")
    log.sync(SYNC_S)
    for aside in asides(log):
        log.asides.resend("main", aside.key)
    return log


def test_of_many_that_are_sent_again_only_those_are_in_memory_that_are_not_answered(tmp_path: Path) -> None:
    count = 3 * FILES_AT_ONCE + 5
    log = with_many_asides(tmp_path, count)
    walk, waiting = log.asides.walk("main", READINGS), log.asides._waiting["main", READINGS]
    found: list[int] = []
    while records := walk.next(100, 1 << 20):
        assert len(records) <= FILES_AT_ONCE
        assert list(waiting.read) == [Key.of(record) for record in records]
        found += [record.seq for record in records]
        acknowledge(log, records)
    assert found == list(range(1, count + 1))
    assert (waiting.files, waiting.read) == ({}, {})
    finish(log)
    assert_adds_up(log)
    log.close()


def test_the_dictionary_of_all_that_is_sent_again_is_in_memory_once(tmp_path: Path) -> None:
    log = with_many_asides(tmp_path, 2)
    records = log.asides.walk("main", READINGS).next(10, 1000)
    first, second = [log.preamble_of(record)[RecordKind.TAGS] for record in records]
    assert first is second
    log.close()


def test_a_file_that_is_gone_or_damaged_keeps_nobody_from_being_sent_again(tmp_path: Path) -> None:
    log = with_many_asides(tmp_path, FILES_AT_ONCE + 2)
    for aside in asides(log)[:FILES_AT_ONCE]:
        if aside.record.seq % 2:
            aside.path.unlink()
        else:
            aside.path.write_bytes(b"rubbish")
    walk = log.asides.walk("main", READINGS)
    assert (walk.next(100, 1 << 20), walk.searching, walk.blocked) == ([], True, False)
    assert [record.seq for record in walk.next(100, 1 << 20)] == [FILES_AT_ONCE + 1, FILES_AT_ONCE + 2]
    assert (walk.next(100, 1 << 20), walk.searching) == ([], False)
    log.close()


def test_a_record_put_aside_twice_takes_its_room_once(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    record = the_one(log).record
    before = log._parts.quarantine.bytes
    log.quarantine("main", record, "not liked")
    log.sync(SYNC_S)
    assert log._parts.quarantine.bytes == before > 0
    log.asides.discard("main", the_one(log).key)
    put(log, b"begin", stream=EVENTS)
    finish(log)
    assert log._parts.quarantine.bytes == 0
    log.close()


def test_a_record_can_be_sent_again_after_its_segment_has_gone(tmp_path: Path) -> None:
    log = open_log(tmp_path, cap="1MB", segment="30kB")
    put(log, b"old", count=7)
    log.sync(SYNC_S)
    log.quarantine("main", unsettled(log)[0], "not liked")
    log.sync(SYNC_S)
    for at in range(1500):
        put(log, noise(at))
        if at % 20 == 0:
            log.sync(SYNC_S)
    log.sync(SYNC_S)
    acknowledge(log, unsettled(log))
    finish(log)
    log.asides.resend("main", the_one(log).key)
    (record,) = log.asides.walk("main", READINGS).next(10, 1000)
    assert log.preamble_of(record)[RecordKind.TAGS] == b"tags of READINGS"
    before = balance(log).delivered
    acknowledge(log, [record])
    finish(log)
    assert balance(log).delivered == before.plus(Count(1, 7))
    assert_adds_up(log)
    log.close()


def test_a_record_dropped_while_it_was_sent_again_is_not_put_aside_once_more(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    put(log, b"begin", stream=EVENTS)
    log.asides.resend("main", the_one(log).key)
    (record,) = log.asides.walk("main", READINGS).next(10, 1000)
    log.asides.discard("main", the_one(log).key)
    finish(log)
    log.quarantine("main", record, "still not liked")
    finish(log)
    assert list(quarantined(tmp_path / "quarantine")) == []
    assert balance(log).lost == {LossCause.DISCARDED: Count(1, 2)}
    assert balance(log).quarantined == Count()
    assert_adds_up(log)
    log.close()


def test_a_record_that_was_acknowledged_is_not_put_aside(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path, settled=True)
    (aside,) = quarantined(tmp_path / "quarantine")
    log.quarantine("main", replace(aside.record, seq=2, body=b"1", count=1), "refused when it came twice")
    log.sync(SYNC_S)
    assert list(quarantined(tmp_path / "quarantine")) == [aside]
    assert balance(log).delivered == Count(4, 8)
    assert_adds_up(log)
    log.close()


def test_the_dictionary_of_all_that_lies_in_quarantine_is_in_memory_once(tmp_path: Path) -> None:
    log = with_one_aside(tmp_path)
    log.quarantine("main", unsettled(log)[0], "not liked either")
    log.sync(SYNC_S)
    first, second = asides(log)
    assert first.record != second.record
    assert first.preamble[RecordKind.TAGS] is second.preamble[RecordKind.TAGS]
    log.close()
