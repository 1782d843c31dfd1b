from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.retry import FIRST_WAIT_S, LONGEST_WAIT_S, keep_connected
from agent.uplinks.contract import UplinkDown
from config.text import text


class Ended(Exception):  # noqa: N818
    """The test's own end of a run that has none."""


async def waits_of(outcomes: Iterator[bool]) -> list[float]:
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
        await keep_connected(session, sleep=sleep)
    return waits


async def test_waits_grow_to_a_minute_and_are_spread_over_their_whole_range() -> None:
    runs = [await waits_of(iter([False] * 12)) for _ in range(200)]
    for attempt in range(1, 13):
        found = [run[attempt] for run in runs]
        most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
        assert max(found) <= most
        assert max(found) > 0.9 * most
        assert min(found) < 0.1 * most


async def test_the_first_attempt_after_a_good_connection_comes_soon_but_not_at_once() -> None:
    runs = [await waits_of(iter([False] * 9 + [True, True])) for _ in range(100)]
    assert max(run[0] for run in runs) <= FIRST_WAIT_S
    after_good = [run[10] for run in runs]
    assert max(after_good) <= FIRST_WAIT_S
    assert len(set(after_good)) > 90


async def test_what_is_not_an_outage_is_not_tried_again() -> None:
    calls = 0

    async def session() -> None:
        nonlocal calls
        calls += 1
        raise KeyError("a bug")

    async def sleep(_seconds: float) -> None:
        return

    with pytest.raises(KeyError, match="a bug"):
        await keep_connected(session, sleep=sleep)
    assert calls == 1
