from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, repeat
from random import Random

import pytest

from agent.retry import FIRST_WAIT_S, LONGEST_WAIT_S, RETURN_WAIT_S, START_WAIT_S, keep_connected
from agent.uplinks.contract import UplinkDown
from agent.uplinks.feed import SPREAD_S
from agent.uplinks.terms import terms_of
from config.text import text
from config.uplinks import MqttUplink

GATEWAYS = [
    terms_of(MqttUplink(type="mqtt", host="h"), f"91130300MA0000{number:04d}/gw/province")
    for number in range(1_000)
]


class Ended(Exception):  # noqa: N818
    """The test's own end of a run that has none."""


async def waits_of(outcomes: Iterator[bool], seed: int) -> list[float]:
    """Run sessions that are good (True) or fail (False); return how long was waited before each."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def session() -> None:
        good = next(outcomes, None)
        if good is None:
            raise Ended
        if not good:
            raise UplinkDown(text("closed"))

    with pytest.raises(Ended):
        await keep_connected(session, Random(seed), sleep=sleep)
    return waits


async def test_waits_grow_to_the_longest_and_are_spread_over_their_whole_range() -> None:
    runs = [await waits_of(repeat(False, 12), seed) for seed in range(200)]
    for attempt in range(1, 13):
        found = [run[attempt] for run in runs]
        most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
        assert max(found) <= most
        assert max(found) > 0.9 * most
        assert min(found) < 0.1 * most


async def test_the_first_attempt_after_a_good_connection_comes_soon_but_not_at_once() -> None:
    runs = [await waits_of(iter([False] * 9 + [True, True]), seed) for seed in range(100)]
    assert max(run[0] for run in runs) <= START_WAIT_S
    after_good = [run[10] for run in runs]
    assert max(after_good) <= RETURN_WAIT_S
    assert len(set(after_good)) > 90


async def test_a_gateway_s_waits_are_its_own_and_the_same_every_time() -> None:
    first, again, other = [
        await waits_of(repeat(False, 8), gateway.seed) for gateway in (GATEWAYS[0], GATEWAYS[0], GATEWAYS[1])
    ]
    assert first == again
    assert first != other


async def test_a_thousand_gateways_that_lose_their_broker_at_once_do_not_return_at_once() -> None:
    """The broker goes under them all, and comes back after a minute: within 30 s they all are back."""
    down_s, attempts = 60.0, Counter[int]()
    returns = Counter[int]()
    for gateway in GATEWAYS:
        waits = await waits_of(iter([True] + [False] * 30), gateway.seed)
        moments = list(accumulate(waits[1:]))
        attempts.update(int(moment) for moment in moments if moment < down_s)
        returns[int(next(moment for moment in moments if moment >= down_s) - down_s)] += 1
    assert max(attempts.values()) < 1_500  # in the first seconds; each is one SYN that is refused
    assert max(attempts[second] for second in range(10, 60)) < 250
    assert max(returns.values()) < 200
    assert max(returns) <= LONGEST_WAIT_S
    assert sum(returns.values()) == len(GATEWAYS)


def test_a_thousand_gateways_do_not_begin_to_catch_up_at_once() -> None:
    begins = Counter(int(gateway.phase * SPREAD_S) for gateway in GATEWAYS)
    assert len(begins) == SPREAD_S
    assert max(begins.values()) < 150


async def test_what_is_not_an_outage_is_not_tried_again() -> None:
    calls = 0

    async def session() -> None:
        nonlocal calls
        calls += 1
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        await keep_connected(session, Random(0), sleep=lambda _: asyncio.sleep(0))
    assert calls == 1
