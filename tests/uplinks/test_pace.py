from __future__ import annotations

import pytest

from agent.uplinks.pace import Pace, Room


def test_what_leaves_is_paid_for_at_the_given_rate_and_idle_time_is_not_saved_up() -> None:
    now = [100.0]
    pace = Pace(lambda: now[0], bytes_per_s=1000)
    pace.spend(10)
    assert pace.wait_s == 0
    pace.spend(990)
    assert pace.wait_s == pytest.approx(1)
    now[0] += 0.4
    assert pace.wait_s == pytest.approx(0.6)
    now[0] += 1000
    assert pace.wait_s == 0
    pace.spend(2000)
    assert pace.wait_s == pytest.approx(2)


def test_a_long_backlog_leaves_at_the_given_rate() -> None:
    now, sent = [0.0], 0
    pace = Pace(lambda: now[0], bytes_per_s=100_000)
    while now[0] < 10:
        while not pace.wait_s:
            pace.spend(300)
            sent += 300
        now[0] += pace.wait_s
    assert sent == pytest.approx(1_000_000, rel=0.01)


def test_backfill_may_begin_later() -> None:
    assert Pace(lambda: 5.0, bytes_per_s=1000, after_s=3.0).wait_s == pytest.approx(3)


def test_the_room_for_backfill_grows_while_answers_are_prompt_and_halves_when_they_are_slow() -> None:
    room = Room(20, prompt_s=0.5)
    for allowed in (2, 3, 4, 5):
        room = filled(room)
        assert under_way(room) == allowed
        room.leave(0.1)
    for _ in range(40):
        room.enter()
        room.leave(0.1)
    assert under_way(filled(room)) == 20
    room.leave(1.5)
    room.leave(1.5)
    for _ in range(18):
        room.leave(0.7)
    assert under_way(filled(room)) == 5


def test_on_a_narrow_line_what_waits_before_live_readings_is_bounded() -> None:
    """64 kbit/s and messages of 3 kB: in a queue, each takes 0.4 s; twenty would take 8 s."""
    room, queue, now_s, worst_s = Room(20, prompt_s=0.5), [], 0.0, 0.0
    for _ in range(500):
        while not room.full:
            room.enter()
            begun_s = queue[-1][1] if queue else now_s
            queue.append((now_s, begun_s + 0.4))
        worst_s = max(worst_s, queue[-1][1] - now_s)
        sent_s, now_s = queue.pop(0)
        room.leave(now_s - sent_s)
    assert worst_s < 2.0


def filled(room: Room) -> Room:
    while not room.full:
        room.enter()
    return room


def under_way(room: Room) -> int:
    return room._under_way
