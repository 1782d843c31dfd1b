"""A whole run with the bare loop as its subject, small and short."""

import pytest

from agent.demo import broker
from bench.measure import measure, quiet
from bench.outage import broker_gone
from bench.plant import Load
from tests.brokers import MOSQUITTO

LOAD = Load(devices=3, registers=10, period_ms=50)
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="capability: mosquitto is not installed")


@pytest.mark.parametrize("name", [pytest.param("mosquitto", marks=needs_mosquitto), "iotcore"])
def test_everything_that_was_served_is_counted_as_delivered(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "iotcore":
        monkeypatch.setattr(broker, "MOSQUITTO", None)
    run = measure("bare", LOAD, warm_up_s=0.2, script=quiet(0.5))
    assert run.delivered_share > 0.2  # how much of the grid is kept is the machine's affair, not this test's
    assert (run.missing_answers, run.late_answers, run.holes, run.twice, run.wrong, run.writes) == (0,) * 6
    assert run.messages["readings"] >= run.served_answers > 10
    assert 0 < run.latency_ms["p50"] < 1000
    assert run.pss_end_mb > 5


@needs_mosquitto
def test_nothing_is_counted_as_lost_when_the_broker_comes_back() -> None:
    run = measure("bare", LOAD, warm_up_s=0.2, script=broker_gone(0.5, around_s=0.2))
    assert (run.missing_answers, run.late_answers, run.holes, run.twice) == (0,) * 4
    assert run.latency_ms["p99"] > 100


def test_an_outage_is_not_measured_with_a_broker_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "MOSQUITTO", None)
    with pytest.raises(broker.BrokerFailed):
        measure("bare", LOAD, warm_up_s=0.0, script=broker_gone(0.1, around_s=0.0))
