"""A whole run with the bare loop as its subject, small and short."""

import pytest

from bench import broker
from bench.measure import measure, quiet
from bench.outage import broker_gone
from bench.plant import Load

LOAD = Load(devices=3, registers=10, period_ms=50)


@pytest.mark.parametrize("name", ["mosquitto", "iotcore"])
def test_everything_that_was_served_is_counted_as_delivered(monkeypatch, name):
    if name == "iotcore":
        monkeypatch.setattr(broker, "_mosquitto", lambda: None)
    run = measure("bare", LOAD, warm_up_s=0.2, script=quiet(0.5))
    assert run.delivered_share > 0.2  # how much of the grid is kept is the machine's affair, not this test's
    assert (run.missing_answers, run.late_answers, run.holes, run.twice, run.wrong, run.writes) == (0,) * 6
    assert run.messages["readings"] >= run.served_answers > 10
    assert 0 < run.latency_ms["p50"] < 1000
    assert run.pss_end_mb > 5


def test_nothing_is_counted_as_lost_when_the_broker_comes_back():
    run = measure("bare", LOAD, warm_up_s=0.2, script=broker_gone(0.5, around_s=0.2))
    assert (run.missing_answers, run.late_answers, run.holes, run.twice) == (0,) * 4
    assert run.latency_ms["p99"] > 100
