"""What questions cost is learnt from them, and what a link will cost is computed from that."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.links import ModbusRtuLink, ModbusTcpLink
from drivers.modbus.forecast import Work, cycle_s, forecast
from drivers.modbus.guard import GuardedLink
from drivers.modbus.meter import Meter
from drivers.modbus.planner import Cost, Range, block_of
from drivers.modbus.prices import prices_of

CONFIGURED = Cost(request_us=2000.0, word_us=2.0)


def learnt(request_us: float, word_us: float, lengths: list[int], noise: float = 0.0) -> Cost | None:
    meter, random = Meter(CONFIGURED), Random(0)
    for at, words in enumerate(lengths):
        took_us = (request_us + words * word_us) * random.uniform(1 - noise, 1 + noise)
        meter.answered(words, took_us / 1e6, float(at))
    return meter.cost


@given(st.floats(500, 1e5), st.floats(1, 5e3))
def test_the_cost_of_requests_and_of_words_is_told_apart(request_us: float, word_us: float) -> None:
    cost = learnt(request_us, word_us, [Random(at).randrange(1, 126) for at in range(200)])
    assert cost is not None
    assert cost.request_us == pytest.approx(request_us, rel=1e-3, abs=1)
    assert cost.word_us == pytest.approx(word_us, rel=1e-3)


def test_noise_is_averaged_out() -> None:
    cost = learnt(40_000, 2300, [Random(at).randrange(1, 126) for at in range(500)], noise=0.2)
    assert cost is not None
    assert cost.word_us == pytest.approx(2300, rel=0.15)


def test_where_all_answers_are_as_long_the_configured_price_of_a_word_stands() -> None:
    assert learnt(9000, 0, [10] * 100) == Cost(request_us=pytest.approx(8980), word_us=2.0)


def test_nothing_is_said_too_early() -> None:
    assert learnt(9000, 1, [1, 50, 100] * 5) is None


def test_a_bus_that_is_faster_than_it_was_is_noticed() -> None:
    meter = Meter(CONFIGURED)
    for at in range(2000):
        meter.answered(10, 0.1 if at < 1000 else 0.01, float(at))
    assert meter.cost is not None
    assert meter.cost.request_us == pytest.approx(10_000, rel=0.02)


def test_the_load_is_that_of_the_last_whole_minute() -> None:
    meter = Meter(CONFIGURED)
    for second in range(60):
        assert meter.load(float(second)) is None
        meter.answered(10, 0.25, float(second))
    assert meter.load(60.0) == pytest.approx(0.25)
    assert meter.load(90.0) == pytest.approx(0.25)
    assert meter.load(120.0) == 0


def test_the_planner_reckons_with_what_was_measured_once_that_is_much_different() -> None:
    link = GuardedLink(ModbusRtuLink(type="modbus-rtu", port="/dev/ttyS9"))
    configured = link.cost
    for at in range(100):
        words = 1 + at % 100
        link.meter.answered(words, (configured.request_us + words * configured.word_us) / 1e6, float(at))
    assert link.cost is configured
    for at in range(1000):
        words = 1 + at % 100
        link.meter.answered(words, (500_000 + words * configured.word_us) / 1e6, float(at))
    assert link.cost.request_words > 5 * configured.request_words


def works(units: int, period_s: float) -> list[Work]:
    block = block_of([Range(3, 0, 10)])
    return [Work(unit_id=unit, period_s=period_s, blocks=(block,)) for unit in range(units)]


def test_cycle_and_load_are_the_sum_of_the_requests() -> None:
    prices = prices_of(ModbusRtuLink(type="modbus-rtu", port="/dev/ttyS9", baud=9600))
    character_s = 11 / 9600
    request_s = 3.5 * character_s + 13 * character_s + 0.020 + 20 * character_s
    assert cycle_s(works(4, 1.0), prices.cost) == pytest.approx(4 * request_s)
    found = forecast(works(4, 2.0), prices.cost, 0.02, 1.4)
    assert found.load == pytest.approx(2 * request_s)
    assert found.revival_s == pytest.approx(1.4 / 0.02 + 2.0 + 1.4)
    assert found.all_but_one_s == pytest.approx(3 * 1.4 / 0.02 + 2.0 + 1.4)


def test_the_only_unit_of_a_link_is_noticed_in_its_next_scan() -> None:
    prices = prices_of(ModbusTcpLink(type="modbus-tcp", host="127.0.0.1"))
    found = forecast(works(1, 5.0), prices.cost, prices.share, prices.silence_s)
    assert found.revival_s == found.all_but_one_s == pytest.approx(5.0 + 1.0)
