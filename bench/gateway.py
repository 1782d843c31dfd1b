"""A gateway without devices: the real log, forwarder and codec, and scans that are made up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from agent.anchor import Anchor, pack_anchor
from agent.clock import SystemClock
from agent.dictionary import TagFacts, TagsBody, unpack_tags
from agent.events import own_event
from agent.findings import pack_event
from agent.platforms.fengsui1 import SCHEMA, Fengsui1
from agent.records import pack_scan
from agent.rows import Counters, Rows
from agent.uplinks.contract import Message, Uplink
from agent.uplinks.forward import Forwarder
from agent.uplinks.mqtt import PahoUplink
from agent.uplinks.session import Gateway
from agent.uplinks.terms import terms_of
from buffer.ledger import Balance
from buffer.log import Log
from config.models import LogSettings
from config.uplinks import MqttUplink
from config.vocabulary import EventKind, RecordKind, Stream

UPLINK: Final = "drain"
ENTERPRISE, NAME = "bench", "drain"
TAGS: Final = 100
_AT_ONCE: Final = 500
_STORES_WITHIN_S: Final = 60.0
_SECOND_NS: Final = 10**9


class OneRun:
    """One run over the log in `folder`; `up_ns`: how long its machine was up, if it is not this one."""

    def __init__(self, folder: Path, run: int, settings: MqttUplink, *, up_ns: int | None = None) -> None:
        self.clock = SystemClock()
        now_ns = self.clock.boot_ns() if up_ns is None else up_ns
        self.anchor = Anchor(
            boot_id=f"{0 if up_ns is None else 1:032x}",
            boot_ns=now_ns,
            utc_ns=self.clock.utc_ns(),
            synchronised=True,
            source="kernel",
        )
        tags = orjson.dumps(_dictionary())
        self.dictionary = unpack_tags(tags)
        loop = asyncio.get_running_loop()
        self.log = Log.open(
            folder,
            run=run,
            boot_id=self.anchor.boot_id,
            settings=LogSettings.model_validate({"cap": "4GB"}),
            uplinks={UPLINK: True},
            preamble=lambda _: [(RecordKind.TAGS, tags), (RecordKind.ANCHOR, pack_anchor(self.anchor))],
            on_stored=lambda: self._wake_from_thread(loop),
        )
        self.forwarder = self._forwarder(run, settings)
        self._scans = 0
        self._chance = np.random.default_rng(run)
        self._raw = self._chance.integers(0, 30_000, TAGS).astype(np.float64)

    def fill(self, scans: int, event_every: int) -> None:
        """Store scans one second apart, as fast as the writer takes them, with an event now and then."""
        for at in range(scans):
            boot_ns = self.anchor.boot_ns - (scans - at) * _SECOND_NS
            self.scan(boot_ns)
            if at % event_every == 0:
                self.tell(boot_ns)
            if at % _AT_ONCE == _AT_ONCE - 1:
                self.log.sync(_STORES_WITHIN_S)
        self.log.sync(_STORES_WITHIN_S)

    def scan(self, boot_ns: int) -> None:
        """Store one scan of a random walk."""
        self._scans += 1
        self._raw = np.clip(self._raw + self._chance.integers(-3, 4, TAGS), -32768, 32767)
        rows = Rows(
            tags=np.arange(TAGS),
            raw=self._raw,
            value=self._raw * self.dictionary.scale,
            quality=np.zeros(TAGS, dtype=np.uint32),
        )
        counted = self._scans * TAGS
        body = pack_scan(rows, self.dictionary, Counters(scanned=counted, recorded=counted, suppressed=()))
        self._append(Stream.READINGS, RecordKind.DATA, body, boot_ns, TAGS)

    def tell(self, boot_ns: int) -> None:
        """Store an event."""
        body = pack_event(own_event(EventKind.CLOCK_STEP, "clock", boot_ns), self.dictionary)
        self._append(Stream.EVENTS, RecordKind.EVENT, body, boot_ns, 0)

    @property
    def balances(self) -> Sequence[Balance]:
        """How the streams stand."""
        return list(self.log.ledger().balances[UPLINK].values())

    @property
    def backlog(self) -> int:
        """Records that are not delivered."""
        return sum(balance.backlog.records for balance in self.balances)

    def _append(self, stream: Stream, kind: RecordKind, body: bytes, boot_ns: int, count: int) -> None:
        seq = self.log.append(stream, kind, body, first_boot_ns=boot_ns, last_boot_ns=boot_ns, count=count)
        assert seq is not None, "the writer keeps up: it is waited for"

    def _wake_from_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self.forwarder.wake)

    def _forwarder(self, run: int, settings: MqttUplink) -> Forwarder:
        def make_uplink(will: Message) -> Uplink:
            topic = f"{SCHEMA}/{ENTERPRISE}/{NAME}"
            return PahoUplink(settings, topic=topic, client_id=NAME, will=will)

        return Forwarder(
            UPLINK,
            make_uplink,
            Fengsui1(enterprise=ENTERPRISE, gateway=NAME, uplink=UPLINK),
            self.log,
            Gateway(run=run, clock=self.clock, dictionary=self.dictionary, anchor=lambda: self.anchor),
            lambda _event, _detail: None,
            terms_of(settings, f"{ENTERPRISE}/{NAME}/{UPLINK}"),
        )


def _dictionary() -> TagsBody:
    return TagsBody(
        tags=tuple(
            TagFacts(
                name=f"t{number:03d}",
                code=f"t{number:03d}",
                title="",
                unit="",
                device="plc",
                scan_class="normal",
                type="int16",
                scale=0.1,
                offset=0.0,
                range_low=None,
                range_high=None,
                limits={},
                safety=False,
            )
            for number in range(TAGS)
        ),
        interlocks={},
        suppression=(),
    )
