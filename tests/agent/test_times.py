"""Where nobody keeps the machine's clock: an HTTP server, an OPC UA server or a PLC tells the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from agent.anchor import Anchor
from agent.clock import SystemClock
from agent.timebase import BUILT_UTC_NS, Timebase
from agent.times.http import HttpClock
from config.clocks import HttpTime
from config.turns import at_once
from config.units import DAY, MS, S
from config.vocabulary import Reason, bad
from drivers.contract import Scan
from tests.agent.rig import forwarding_plant, wired
from tests.virtual import VirtualClock

NOW_NS = BUILT_UTC_NS + 300 * DAY
NOW = datetime.fromtimestamp(NOW_NS / S, UTC)


class NeverSet(SystemClock):
    """The clock of a machine that was never told the time: it boots in 1970."""

    def utc_ns(self) -> int:
        return self.boot_ns()

    def vouched_within_ns(self) -> int | None:
        return None


def asking(port: int) -> HttpTime:
    url = f"http://127.0.0.1:{port}/"
    return HttpTime.model_validate({"type": "http", "url": url, "timeout": "500ms"})


@asynccontextmanager
async def serving(date: str | None) -> AsyncIterator[HttpTime]:
    """Run a server that says `date`; where that is None, it says nothing at all."""

    async def answer(_request: web.Request) -> web.Response:
        if date is None:
            await asyncio.sleep(3600)
        return web.Response(headers={"Date": date or ""})

    application = web.Application()
    application.router.add_route("*", "/", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield asking(port)
    finally:
        await runner.cleanup()


async def learnt_from(settings: HttpTime) -> Anchor:
    """Return what is believed after a source was asked once."""
    clock = NeverSet()
    timebase = Timebase(clock, "0" * 32)
    assert await HttpClock(settings, timebase, clock)._ask() is not None or timebase.update() is not None
    return timebase.anchor


async def test_a_server_s_date_dates_what_the_machine_cannot() -> None:
    async with serving(format_datetime(NOW, usegmt=True)) as settings:
        anchor = await learnt_from(settings)
    assert (anchor.source, anchor.synchronised) == ("http", True)
    assert anchor.uncertainty_ns is not None
    assert 3 * S // 2 <= anchor.uncertainty_ns <= 2 * S
    assert abs(anchor.utc_ns - NOW_NS) <= anchor.uncertainty_ns


@pytest.mark.parametrize("date", [None, "", "yesterday"])
async def test_a_server_that_tells_no_time_leaves_things_as_they_are(date: str | None) -> None:
    async with serving(date) as settings:
        assert (await learnt_from(settings)).source == "floor"


async def test_a_server_that_is_not_there_leaves_things_as_they_are() -> None:
    settings = asking(1)
    assert (await learnt_from(settings)).source == "floor"


CALENDAR = dict(
    zip(("year", "month", "day", "hour", "minute", "second"), (f"plc_{n}" for n in range(6)), strict=True)
)


async def told_by_device(
    state: Path, source: dict[str, Any], raw: list[float], *, scan: dict[str, Any] | None = None
) -> Anchor:
    """Return what is believed after one scan of a device that tells the time."""
    plant = forwarding_plant(tags_each=len(raw), time={"sources": [source]})
    clock = VirtualClock(vouched=False)
    clock.utc_offset_ns = 0
    async with wired(plant, state, clock) as wiring:
        words = np.zeros(len(raw), dtype=np.uint32)
        found = Scan(**{"raw": np.array(raw), "quality": words, **(scan or {})})
        at_once(wiring.devices.take(plant.groups[0], found, clock.boot_ns()))
        wiring.timebase.update()
        return wiring.timebase.anchor


@pytest.mark.parametrize(
    ("source", "raw", "within_ns"),
    [
        ({"type": "tag", "tag": "plc_1"}, [7, NOW_NS // S], 5 * S // 2),
        ({"type": "tag", "tag": "plc_1", "counts": "ms"}, [7, NOW_NS // MS], 2 * S + MS // 2),
        ({"type": "calendar", **CALENDAR}, [2026, 10, 28, 8, 0, 0], 5 * S // 2),
        ({"type": "calendar", **CALENDAR, "zone": "+00:00"}, [2026, 10, 28, 0, 0, 0], 5 * S // 2),
    ],
    ids=["seconds", "milliseconds", "a calendar of Beijing", "a calendar of UTC"],
)
async def test_a_plc_s_registers_tell_the_time(
    source: dict[str, Any], raw: list[float], within_ns: int, tmp_path: Path
) -> None:
    anchor = await told_by_device(tmp_path, source, raw)
    assert (anchor.source, anchor.uncertainty_ns) == (source["type"], within_ns)
    assert abs(anchor.utc_ns - NOW_NS) <= S // 2


async def test_an_opc_ua_server_s_time_stamp_tells_the_time(tmp_path: Path) -> None:
    stamps = np.array([0, NOW_NS], dtype=np.int64)
    source = {"type": "opcua", "tag": "plc_1"}
    anchor = await told_by_device(tmp_path, source, [0, 0], scan={"source_utc_ns": stamps})
    assert (anchor.source, anchor.utc_ns, anchor.uncertainty_ns) == ("opcua", NOW_NS, S)


@pytest.mark.parametrize("raw", [[2026, 13, 28, 8, 0, 0], [0, 0, 0, 0, 0, 0], [1970, 1, 1, 8, 0, 0]])
async def test_a_calendar_that_shows_no_date_of_today_is_passed_over(
    raw: list[float], tmp_path: Path
) -> None:
    anchor = await told_by_device(tmp_path, {"type": "calendar", **CALENDAR}, raw)
    assert anchor.source == "floor"


async def test_a_clock_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    words = np.full(2, bad(Reason.TIMEOUT), dtype=np.uint32)
    source = {"type": "tag", "tag": "plc_1"}
    anchor = await told_by_device(tmp_path, source, [7, NOW_NS // S], scan={"quality": words})
    assert anchor.source == "floor"
