"""The one place where something northbound is tried again (southbound, the scan grid is the retry)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from agent.uplinks.contract import UplinkDown

START_WAIT_S: Final = 0.5
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 20.0
RETURN_WAIT_S: Final = 2.0
"""Longest wait after a connection that stood: all gateways lose a broker in the same instant."""
_DOUBLINGS: Final = 16

Sleep = Callable[[float], Awaitable[None]]


async def keep_connected(
    session: Callable[[], Awaitable[None]], chance: Random, *, sleep: Sleep = asyncio.sleep
) -> None:
    """Run `session` for ever: it raises UplinkDown to be tried again.

    The waits are random up to 1 s, 2 s, 4 s, ... 20 s; before the first attempt up to 0.5 s, after a good
    session (one that returns) up to 2 s. `chance` is the gateway's own: a thousand gateways do not return at
    once, and each returns as it did before. Ends only by another exception.
    """
    first_wait_s = START_WAIT_S
    while True:
        await sleep(chance.uniform(0, first_wait_s))
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(UplinkDown),
            wait=lambda state: chance.uniform(0, _longest_s(state)),
            sleep=sleep,
        )
        await retrying(session)
        first_wait_s = RETURN_WAIT_S


def _longest_s(state: RetryCallState) -> float:
    """Return how long the wait after a failed attempt may be."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(state.attempt_number - 1, _DOUBLINGS))
