"""Hours without a platform, stored by the real writer, sent while readings go on; the bench has the days."""

from __future__ import annotations

import os

import pytest

from bench.drain import drain

HOURS = int(os.environ.get("TORTURE_N", "20")) / 20


@pytest.mark.torture
def test_a_backlog_of_hours_is_sent_whole_and_in_order_while_live_readings_go_on() -> None:
    found = drain(HOURS, calm_s=5)
    seconds = round(HOURS * 3600)
    assert found.records == seconds + -(-seconds // 300)  # an event every five minutes, from the first second
    assert found.missing == 0
    assert found.unbalanced == 0
    assert found.sink["events_after_readings"] == 0
    assert found.sink["disordered"] == 0
    assert found.times_live >= 10
    assert found.sink["live_p99_s"] < max(1.0, 2 * found.calm["live_p99_s"])
