from __future__ import annotations

from agent.platforms.confirmation import Confirmed
from agent.uplinks import unconfirmed
from agent.uplinks.lanes import Taken
from agent.uplinks.unconfirmed import MOST_RECORDS, MOST_SENDS, Unconfirmed
from config.vocabulary import Stream
from tests.records.messages import RUN, readings
from tests.records.plants import tenths

DICTIONARY = tenths(1)


def taken(seq: int, run: int = RUN) -> Taken:
    return Taken(readings(DICTIONARY, [1.0], seq=seq, run=run), backfill=False, replay=False, paced=False)


def confirmed(first: int, last: int, run: int = RUN, stream: Stream = Stream.READINGS) -> list[Confirmed]:
    return [Confirmed(run=run, stream=stream, first=first, last=last)]


def waiting_for(count: int) -> Unconfirmed:
    waiting = Unconfirmed(within_s=10)
    for seq in range(1, count + 1):
        leave(waiting, seq, now_s=0)
    return waiting


def leave(waiting: Unconfirmed, seq: int, now_s: float) -> None:
    waiting.add(taken(seq), now_s)
    waiting.left(taken(seq).record, now_s)


def test_only_what_waits_is_confirmed_and_once() -> None:
    waiting = waiting_for(5)
    assert [record.seq for record in waiting.confirm(confirmed(2, 4), 1)] == [2, 3, 4]
    assert waiting.confirm(confirmed(2, 4), 1) == []
    assert waiting.confirm(confirmed(1, 9, run=RUN + 1), 1) == []
    assert waiting.confirm(confirmed(1, 9, stream=Stream.EVENTS), 1) == []
    assert waiting.confirm(confirmed(5, 1), 1) == []
    assert len(waiting) == 2


def test_a_range_as_wide_as_numbers_go_costs_no_more_than_what_waits() -> None:
    waiting = waiting_for(3)
    assert [record.seq for record in waiting.confirm(confirmed(-(2**200), 2**200), 1)] == [1, 2, 3]


def test_what_is_not_confirmed_in_time_is_sent_again_and_again() -> None:
    waiting = waiting_for(2)
    waiting.confirm(confirmed(1, 1), 5)
    assert waiting.overdue(9.9) == []
    (late,) = waiting.overdue(10)
    assert late.record.seq == 2
    assert waiting.resend(late)
    assert waiting.overdue(30) == []  # it is on its way
    leave(waiting, 2, now_s=30)
    assert waiting.overdue(39) == []
    assert [late.record.seq for late in waiting.overdue(40)] == [2]


def test_a_record_is_hopeless_once_later_ones_are_confirmed_however_often_it_is_sent() -> None:
    waiting = waiting_for(1)
    now_s = 0.0
    for _ in range(MOST_SENDS + 3):
        now_s += 10
        (late,) = waiting.overdue(now_s)
        assert waiting.resend(late)  # the platform may only be away
        leave(waiting, 1, now_s)
    leave(waiting, 2, now_s)
    waiting.confirm(confirmed(2, 2), now_s + 1)
    (late,) = waiting.overdue(now_s + 10)
    assert not waiting.resend(late)
    assert len(waiting) == 0


def test_what_could_not_leave_again_was_not_sent_and_is_late_again_in_a_while() -> None:
    waiting = waiting_for(1)
    now_s = 0.0
    for _ in range(MOST_SENDS + 3):
        now_s += 10
        (late,) = waiting.overdue(now_s)
        assert waiting.resend(late)
        waiting.put_off(late, now_s)
        assert waiting.overdue(now_s + 9.9) == []
    leave(waiting, 2, now_s)
    waiting.confirm(confirmed(2, 2), now_s + 1)
    (late,) = waiting.overdue(now_s + 10)
    assert waiting.resend(late)


def test_the_platform_s_word_may_come_before_the_broker_s() -> None:
    waiting = Unconfirmed(within_s=10)
    waiting.add(taken(1), now_s=0)
    assert [record.seq for record in waiting.confirm(confirmed(1, 1), 1)] == [1]
    waiting.left(taken(1).record, 2)
    assert len(waiting) == 0


def test_no_more_waits_than_is_allowed(monkeypatch) -> None:
    waiting = waiting_for(MOST_RECORDS - 1)
    assert not waiting.full
    leave(waiting, MOST_RECORDS, 0)
    assert waiting.full
    waiting.confirm(confirmed(1, 1), 0)
    assert not waiting.full
    monkeypatch.setattr(unconfirmed, "MOST_BYTES", 10)
    assert waiting.full


def test_a_platform_that_confirms_nothing_is_silent_from_the_first_that_waits_on() -> None:
    waiting = Unconfirmed(within_s=10)
    assert waiting.silent_s(100) == 0
    leave(waiting, 1, now_s=100)
    leave(waiting, 2, now_s=130)
    assert waiting.silent_s(140) == 40
    waiting.confirm(confirmed(1, 1), 150)
    assert waiting.silent_s(160) == 10
    waiting.confirm(confirmed(2, 2), 170)
    assert waiting.silent_s(999) == 0
