"""A wired agent without devices: a real engine, a real log, a virtual clock; the test brings the scans."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from agent.clock import Clock
from agent.findings import EventBody, unpack_event
from agent.gap import GapBody, unpack_gap
from agent.layout import Layout
from agent.wiring import Wiring, wire
from buffer.record import Record
from config.plant import Plant
from config.turns import at_once
from config.vocabulary import RecordKind, Stream
from drivers.contract import Scan
from filters.kernels import Kernels, twins
from tests.agent.plants import make_plant
from tests.virtual import VirtualClock

STORED_S = 10.0
UPLINK = "province"


def forwarding_plant(**description: Any) -> Plant:
    """Make a plant with an uplink, so that the log can be read back; nobody connects it."""
    return make_plant(**{"uplinks": {UPLINK: {"type": "mqtt", "host": "127.0.0.1"}}, **description})


@asynccontextmanager
async def wired(
    plant: Plant,
    state: Path,
    clock: Clock,
    *,
    kernels: Kernels | None = None,
    idle_ns: Callable[[], int] = lambda: 0,
) -> AsyncIterator[Wiring]:
    """Wire an agent on a state directory; afterwards its log is closed in order."""
    wiring = wire(plant, Layout(state), clock, kernels or twins(), idle_ns)
    try:
        yield wiring
    finally:
        wiring.pipeline.close()
        wiring.log.close()


def this_boots_clock() -> VirtualClock:
    """A clock that starts now: the log dates what it adds itself by the kernel's."""
    return VirtualClock(now_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME))


def take(wiring: Wiring, raw: Sequence[float], *, quality: int = 0, group: int = 0) -> None:
    """Take one scan of a group, begun now, through the pipeline."""
    words = np.full(len(raw), quality, dtype=np.uint32)
    scan = Scan(raw=np.array(raw, dtype=np.float64), quality=words)
    at_once(wiring.pipeline.take(wiring.plant.groups[group], scan, wiring.clock.boot_ns()))


def stored(wiring: Wiring, stream: Stream) -> list[Record]:
    """Return every record of a stream, once all that is queued is stored."""
    wiring.log.sync(STORED_S)
    return wiring.log.reader(UPLINK, stream, start="oldest_unacknowledged").next(100_000, 1 << 30)


def events(wiring: Wiring) -> list[EventBody]:
    """Return every event that was recorded."""
    records = stored(wiring, Stream.EVENTS)
    return [unpack_event(record.body) for record in records if record.kind is RecordKind.EVENT]


def gaps(wiring: Wiring) -> list[GapBody]:
    """Return every gap that was recorded."""
    records = stored(wiring, Stream.EVENTS)
    return [unpack_gap(record.body) for record in records if record.kind is RecordKind.GAP]
