from __future__ import annotations

import pytest

from agent.uplinks.pace import Pace


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
