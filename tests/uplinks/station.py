"""A gateway without devices: a real log, a forwarder, and readings made up by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent.anchor import Anchor, pack_anchor
from agent.clock import SystemClock
from agent.dictionary import pack_tags, unpack_tags
from agent.findings import pack_event
from agent.platforms.fengsui1 import Fengsui1
from agent.records import pack_scan
from agent.rows import Counters, Rows
from agent.uplinks.contract import Message, Uplink
from agent.uplinks.forward import Forwarder
from agent.uplinks.mqtt import PahoUplink
from agent.uplinks.session import Gateway
from agent.uplinks.terms import Terms
from buffer.log import Log
from config.models import LogSettings
from config.text import Text
from config.vocabulary import EventKind, Priority, RecordKind, Stream
from filters.event import Event
from tests.records.plants import SUPPRESSION, plant, tag
from tests.uplinks.mqtt_platform import settings

BOOT = "b" * 32
TOPIC = "fengsui/1/enterprise/gateway"
UPLINK = "province"


async def nearly_at_once(_seconds: float) -> None:
    """Wait between attempts for as long as the loop needs, not as people would."""
    await asyncio.sleep(0.02)


@dataclass(kw_only=True)
class Station:
    """One run of a gateway of `width` int16 tags over the log in `directory`, forwarding to `port`."""

    directory: Path
    port: int
    run: int = 1
    width: int = 3
    required: bool = True
    terms: Terms = field(default_factory=Terms)
    options: dict[str, object] = field(default_factory=dict)
    happenings: list[tuple[EventKind, Text]] = field(default_factory=list)
    made: int = 0
    scanned: int = 0

    def __post_init__(self) -> None:
        self.clock = SystemClock()
        self.tags_body = pack_tags(plant([tag(f"t{n}") for n in range(self.width)]), SUPPRESSION)
        self.dictionary = unpack_tags(self.tags_body)
        self.anchor = Anchor(
            boot_id=BOOT,
            boot_ns=self.clock.boot_ns(),
            utc_ns=self.clock.utc_ns(),
            synchronised=True,
            source="kernel",
        )
        loop = asyncio.get_running_loop()
        self.log = Log.open(
            self.directory,
            run=self.run,
            boot_id=BOOT,
            settings=LogSettings.model_validate({"commit_interval": "10ms"}),
            uplinks={UPLINK: self.required},
            preamble=lambda _: [
                (RecordKind.TAGS, self.tags_body),
                (RecordKind.ANCHOR, pack_anchor(self.anchor)),
            ],
            on_stored=lambda: loop.call_soon_threadsafe(self.wake),
        )
        self.forwarder = Forwarder(
            UPLINK,
            self.uplink,
            Fengsui1(enterprise="enterprise", gateway="gateway", uplink=UPLINK),
            self.log,
            Gateway(run=self.run, clock=self.clock, dictionary=self.dictionary, anchor=lambda: self.anchor),
            lambda event, detail: self.happenings.append((event.kind, detail)),
            self.terms,
            sleep=nearly_at_once,
        )

    def uplink(self, will: Message) -> Uplink:
        self.made += 1
        return PahoUplink(
            settings(self.port, **self.options), topic=TOPIC, client_id=f"gateway-{self.run}", will=will
        )

    def wake(self) -> None:
        self.forwarder.wake()

    def read(self, *scans: Sequence[float]) -> None:
        """Record scans of the whole group."""
        for raw in scans:
            self.scanned += len(raw)
            numbers = np.array(raw, dtype=np.float64)
            rows = Rows(
                tags=np.arange(len(raw)),
                raw=numbers,
                value=numbers,
                quality=np.zeros(len(raw), dtype=np.uint32),
            )
            counters = Counters(scanned=self.scanned, recorded=self.scanned, suppressed=(0,))
            self.append(
                Stream.READINGS, RecordKind.DATA, pack_scan(rows, self.dictionary, counters), len(raw)
            )

    def tell(self, kind: EventKind, **figures: int | str) -> None:
        """Record an event of the agent's own."""
        now = self.clock.boot_ns()
        event = Event(
            kind=kind, rule="agent", priority=Priority.LOW, boot_ns=now, scan_boot_ns=now, figures=figures
        )
        self.append(Stream.EVENTS, RecordKind.EVENT, pack_event(event, self.dictionary))

    def append(self, stream: Stream, kind: RecordKind, body: bytes, count: int = 0) -> None:
        now = self.clock.boot_ns()
        assert self.log.append(stream, kind, body, first_boot_ns=now, last_boot_ns=now, count=count)

    @property
    def backlog(self) -> int:
        """Records that the platform has not acknowledged."""
        return sum(balance.backlog.records for balance in self.log.ledger().balances[UPLINK].values())


@asynccontextmanager
async def forwarding(station: Station) -> AsyncIterator[None]:
    """Forward while inside."""
    task = asyncio.create_task(station.forwarder.run())
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
