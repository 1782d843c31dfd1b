"""The time as an HTTP server's answers say it."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from agent import journal
from agent.clock import Clock
from agent.timebase import Sample, Timebase
from config.clocks import HttpTime
from config.text import Text, text
from config.units import S

HALF_SECOND_NS: Final = S // 2
"""A Date has whole seconds: on average it is half of one behind."""
_AGAIN_NS: Final = 60 * S


class HttpClock:
    """Asks one server now and then; what it cannot tell is said once."""

    def __init__(self, settings: HttpTime, timebase: Timebase, clock: Clock) -> None:
        self._settings = settings
        self._timebase = timebase
        self._clock = clock
        self._silent = False

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            why = await self._ask()
            if why is not None and not self._silent:
                journal.warn(text("a time source is of no use"), source=self._settings.url, cause=why)
            elif why is None and self._silent:
                journal.info(text("a time source tells the time again"), source=self._settings.url)
            self._silent = why is not None
            wait_ns = min(self._settings.every, _AGAIN_NS) if self._silent else self._settings.every
            await self._clock.sleep_until(self._clock.boot_ns() + wait_ns)

    async def _ask(self) -> Text | None:
        """Ask once; return why there was no time in the answer, None where there was."""
        begun_ns = self._clock.boot_ns()
        try:
            async with asyncio.timeout(self._settings.timeout / S), ClientSession() as session:
                patience = ClientTimeout(total=self._settings.timeout / S)
                async with session.head(self._settings.url, timeout=patience) as answer:
                    took_ns = self._clock.boot_ns() - begun_ns
                    told = answer.headers.get("Date", "")
        except TimeoutError:
            return text("it does not answer")
        except (ClientError, OSError) as error:
            return text("it cannot be asked: {error}", error=str(error))
        try:
            utc_s = parsedate_to_datetime(told).timestamp()
        except (ValueError, OverflowError):
            return text("its answer has no date")
        sample = Sample(
            source="http",
            boot_ns=begun_ns + took_ns // 2,
            utc_ns=round(utc_s) * S + HALF_SECOND_NS,
            uncertainty_ns=self._settings.within + HALF_SECOND_NS + took_ns // 2,
        )
        return None if self._timebase.offer(sample) else text("its time is not believed: {told}", told=told)
