"""The one place where something northbound is tried again (southbound, the scan grid is the retry)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from agent.uplinks.contract import UplinkDown

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0

Sleep = Callable[[float], Awaitable[None]]


async def keep_connected(session: Callable[[], Awaitable[None]], *, sleep: Sleep = asyncio.sleep) -> None:
    """Run `session` for ever: it raises UplinkDown to be tried again.

    The waits are random up to 0.5 s, 1 s, 2 s, ... 60 s (full jitter: a thousand gateways do not return at
    once). A session that returns was a good one: after it the waits begin anew. Ends only by another
    exception.
    """
    while True:
        await sleep(random.uniform(0, FIRST_WAIT_S))
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(UplinkDown),
            wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S),
            sleep=sleep,
        )
        await retrying(session)
