"""Where nobody keeps the machine's clock: an HTTP server, an OPC UA server or a PLC tells the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from agent.anchor import Anchor
from agent.clock import SystemClock
from agent.clock_watch import ClockWatch
from agent.timebase import BUILT_UTC_NS, Timebase
from agent.times.http import HttpClock
from config.clocks import HttpTime
from config.turns import at_once
from config.units import DAY, MS, S
from config.vocabulary import Reason, bad
from drivers.contract import Scan, Stamps
from tests.agent.rig import events, forwarding_plant, wired
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


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ],
)
async def test_a_server_that_tells_no_time_leaves_things_as_they_are(date: str | None) -> None:
    async with serving(date) as settings:
        assert (await learnt_from(settings)).source == "floor"


async def test_a_server_that_is_not_there_leaves_things_as_they_are() -> None:
    settings = asking(1)
    assert (await learnt_from(settings)).source == "floor"


CALENDAR = dict(
    zip(("year", "month", "day", "hour", "minute", "second"), (f"plc_{n}" for n in range(6)), strict=True)
)


def on_the_second(source_utc_ns: int, server_utc_ns: int) -> Stamps:
    """The times of two tags, of which the first has none."""
    return Stamps(source_utc_ns=np.array([0, source_utc_ns]), server_utc_ns=np.array([0, server_utc_ns]))


def later(stamps: Stamps | None) -> Stamps | None:
    return stamps and Stamps(source_utc_ns=stamps.source_utc_ns + S, server_utc_ns=stamps.server_utc_ns + S)


async def told_by_device(
    state: Path, source: dict[str, Any], raw: list[float], *, scan: dict[str, Any] | None = None
) -> Anchor:
    """Return what is believed after two scans of a device that tells the time; before, it was another."""
    plant = forwarding_plant(tags_each=len(raw), time={"sources": [source]})
    clock = VirtualClock(vouched=False)
    clock.utc_offset_ns = 0
    async with wired(plant, state, clock) as wiring:
        words = np.zeros(len(raw), dtype=np.uint32)
        found = Scan(**{"raw": np.array(raw), "quality": words, **(scan or {})})
        other = found.raw.copy()
        other[-1] += 1
        before = replace(found, raw=other, stamps=later(found.stamps))
        for each in (before, found):
            at_once(wiring.devices.take(plant.groups[0], each, clock.boot_ns()))
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


@pytest.mark.parametrize("stamps", [(NOW_NS, 0), (0, NOW_NS), (NOW_NS, 1)], ids=["source", "server", "both"])
async def test_an_opc_ua_server_s_time_stamp_tells_the_time(stamps: tuple[int, int], tmp_path: Path) -> None:
    source = {"type": "opcua", "tag": "plc_1"}
    anchor = await told_by_device(tmp_path, source, [0, 0], scan={"stamps": on_the_second(*stamps)})
    assert (anchor.source, anchor.utc_ns, anchor.uncertainty_ns) == ("opcua", NOW_NS, S)


@pytest.mark.parametrize(
    "raw", [[2026, 13, 28, 8, 0, 0], [0] * 6, [1970, 1, 1, 8, 0, 0], [2**32 - 1, 1, 1, 0, 0, 0]]
)
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


async def test_a_tag_that_counts_beyond_all_centuries_is_passed_over(tmp_path: Path) -> None:
    anchor = await told_by_device(tmp_path, {"type": "tag", "tag": "plc_1"}, [7, 4.3e11])
    assert anchor.source == "floor"


@dataclass
class Frozen:
    """A clock of a device that stands still from its fifth second to its fifteenth."""

    source: dict[str, Any]
    wrong_s: list[float] = field(default_factory=list)
    steps: int = 0

    async def run(self, state: Path, quality: int) -> None:
        """Note how wrong what is believed was, second by second; `quality`: that of the frozen scans."""
        plant = forwarding_plant(tags_each=2, time={"sources": [self.source]})
        clock = VirtualClock(vouched=False)
        clock.utc_offset_ns = 0
        begun_ns = clock.boot_ns()
        async with wired(plant, state, clock) as wiring:
            watch = ClockWatch(wiring)
            for second in range(25):
                frozen = 5 <= second < 15
                shown_ns = NOW_NS + (5 if frozen else second) * S
                scan = Scan(
                    raw=np.array([7.0, shown_ns // S]),
                    quality=np.full(2, quality if frozen else 0, dtype=np.uint32),
                    stamps=on_the_second(shown_ns, 0),
                )
                at_once(wiring.devices.take(plant.groups[0], scan, clock.boot_ns()))
                watch.look(clock.boot_ns())
                now = clock.boot_ns()
                self.wrong_s.append((wiring.timebase.anchor.utc_ns_of(now) - NOW_NS - now + begun_ns) / S)
                clock.now_ns += S
            self.steps = sum(event.kind == "clock_step" for event in events(wiring))


@pytest.mark.parametrize("quality", [0, bad(Reason.STALE)])
@pytest.mark.parametrize("kind", ["opcua", "tag"])
async def test_a_clock_that_stands_still_does_not_hold_the_time(
    kind: str, quality: int, tmp_path: Path
) -> None:
    frozen = Frozen({"type": kind, "tag": "plc_1"})
    await frozen.run(tmp_path, quality)
    assert max(map(abs, frozen.wrong_s[1:])) <= 1
    assert frozen.steps == 1  # from no time at all


async def test_a_node_that_is_no_number_has_a_time_stamp_all_the_same(tmp_path: Path) -> None:
    scan = {
        "stamps": on_the_second(NOW_NS, 0),
        "quality": np.array([0, bad(Reason.UNDECODABLE)], dtype=np.uint32),
    }
    anchor = await told_by_device(tmp_path, {"type": "opcua", "tag": "plc_1"}, [0, np.nan], scan=scan)
    assert (anchor.source, anchor.utc_ns) == ("opcua", NOW_NS)
