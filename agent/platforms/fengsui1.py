"""The neutral format `fengsui/1`: docs/messages.md is its specification, docs/schema/ its JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import orjson

from agent.anchor import Anchor
from agent.balances import show_balances
from agent.blackbox.body import unpack_window
from agent.bodies import RecordError
from agent.dictionary import Dictionary, TagFacts
from agent.findings import (
    LOSS_CAUSES,
    EvidenceBody,
    Words,
    infinity,
    unpack_event,
    unpack_loss,
)
from agent.gap import Moment, unpack_gap
from agent.platforms.confirmation import Confirmed, unpack_confirmation
from agent.platforms.contract import Presence
from agent.records import unpack_scan
from agent.rows import Counters, Int64s, Rows
from agent.uplinks.contract import Message
from buffer.record import Record
from config.text import text
from config.vocabulary import REASONS, Flag, RecordKind

SCHEMA: Final = "fengsui/1"
TAGS_PER_META: Final = 50
_COLUMNS: Final = ("tag", "raw", "value", "quality")
_STAMPED_COLUMNS: Final = (*_COLUMNS, "source_utc_ms", "server_utc_ms")

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fengsui1:
    """The codec of one gateway towards one uplink (`agent.platforms.contract.Codec`).

    `volatile`: what it encodes comes from a log in RAM, and says so.
    """

    enterprise: str
    gateway: str
    uplink: str
    volatile: bool = False

    def encode(
        self,
        record: Record,
        dictionary: Dictionary | None,
        anchor: Anchor | None,
        *,
        backfill: bool,
        replay: bool = False,
    ) -> Message:
        """See `Codec`."""
        if record.kind is RecordKind.DATA:
            kind, content = "readings", _readings(record, dictionary, anchor)
        elif record.kind is RecordKind.WINDOW:
            kind, content = "window", _window(record, dictionary, anchor)
        elif record.kind is RecordKind.EVENT:
            kind, content = "event", _event(record, anchor)
        elif record.kind is RecordKind.GAP:
            kind, content = "gap", _gap(record, anchor)
        elif record.kind is RecordKind.LOSS:
            kind, content = "loss", self._loss(record, anchor)
        else:
            raise RecordError(f"a record of kind {record.kind} is never sent")
        key = {"run": show_run(record.run), "stream": record.stream.name.lower(), "seq": record.seq}
        about = {"backfill": backfill, "clock": _clock(anchor), **self._mark(replay)}
        return self._message(kind, {**key, **about, **content})

    def meta(self, dictionary: Dictionary, *, current: bool) -> Iterator[Message]:
        """See `Codec`; several messages where there are more than TAGS_PER_META tags."""
        starts = range(0, max(1, len(dictionary.tags)), TAGS_PER_META)
        for part, first in enumerate(starts, start=1):
            tags = dictionary.tags[first : first + TAGS_PER_META]
            yield self._message(
                "meta" if part == 1 else f"meta/{part}",
                {
                    "meta": dictionary.meta,
                    "part": part,
                    "parts": len(starts),
                    "tags": [_tag(first + index, facts) for index, facts in enumerate(tags)],
                    "interlocks": dictionary.interlocks,
                    "devices": dictionary.devices,
                    "quality": _quality_table(),
                },
                retain=current,
            )

    def confirmed(self, payload: bytes) -> Sequence[Confirmed]:
        """See `Codec`."""
        return unpack_confirmation(payload, self.enterprise, self.gateway)

    def status(self, presence: Presence) -> Message:
        """See `Codec`."""
        content = {
            "run": show_run(presence.run),
            "uplink": self.uplink,
            "state": "online" if presence.online else "offline",
            "reason": presence.reason,
            "clock": _clock(presence.anchor),
            "at": _instant(presence.boot_ns, presence.anchor),
            "ledger": show_balances(presence.balances),
            **self._mark(),
        }
        return self._message("status", content, retain=True)

    def last_will(self, run: int) -> Message:
        """See `Codec`; a broken connection cannot say when it broke."""
        content = {
            "run": show_run(run),
            "uplink": self.uplink,
            "state": "offline",
            "reason": "connection_lost",
            "clock": _clock(None),
            "at": _instant(None, None),
            "ledger": {},
        }
        return self._message("status", content, retain=True)

    def _mark(self, replay: bool = False) -> Json:
        marks = {"volatile": self.volatile, "replay": replay}
        return {name: True for name, holds in marks.items() if holds}

    def _message(self, kind: str, content: Mapping[str, object], *, retain: bool = False) -> Message:
        envelope = {
            "schema": SCHEMA,
            "kind": kind.partition("/")[0],
            "enterprise": self.enterprise,
            "gateway": self.gateway,
        }
        return Message(kind=kind, payload=orjson.dumps({**envelope, **content}), retain=retain)

    def _loss(self, record: Record, anchor: Anchor | None) -> Json:
        loss = unpack_loss(record.body)
        said = text(
            "{count} records with {readings} readings were lost before they were delivered: {cause}",
            count=loss.count,
            readings=loss.readings,
            cause=LOSS_CAUSES[loss.cause],
        )
        return {
            "at": _instant(record.first_boot_ns, anchor),
            "uplink": loss.uplink,
            "ours": loss.uplink in ("", self.uplink),
            "cause": loss.cause,
            "lost": {
                "run": show_run(loss.run),
                "stream": loss.stream,
                "first": loss.first,
                "last": loss.last,
                "records": loss.count,
                "readings": loss.readings,
            },
            "text": Words.of(said),
        }


def show_run(run: int) -> str:
    """Return a run's id as messages spell it: 16 hex digits, for JSON has no 64-bit numbers."""
    return f"{run:016x}"


def _readings(record: Record, dictionary: Dictionary | None, anchor: Anchor | None) -> Json:
    if dictionary is None:
        raise RecordError("the tag dictionary of this record is gone")
    rows, counters = unpack_scan(record.body, dictionary)
    columns = [rows.tags.tolist(), rows.raw.tolist(), rows.value.tolist(), rows.quality.tolist()]
    if rows.stamps is not None:
        columns += [_stamps_ms(rows.stamps.source_utc_ns), _stamps_ms(rows.stamps.server_utc_ns)]
    content: Json = {
        "meta": dictionary.meta,
        "scan": _instant(record.first_boot_ns, anchor),
        "columns": _COLUMNS if rows.stamps is None else _STAMPED_COLUMNS,
        "rows": list(zip(*columns, strict=True)),
        "ledger": _ledger(counters, dictionary),
    }
    exact = _exact(rows)
    return {**content, "exact": exact} if exact else content


def _stamps_ms(utc_ns: Int64s) -> list[float | None]:
    return [_ms(stamp) if stamp else None for stamp in utc_ns.tolist()]


def _window(record: Record, dictionary: Dictionary | None, anchor: Anchor | None) -> Json:
    if dictionary is None:
        raise RecordError("the tag dictionary of this record is gone")
    window = unpack_window(record.body, dictionary)
    scans = window.scans
    return {
        "meta": dictionary.meta,
        "rule": window.rule,
        "event_at": _instant(window.event_boot_ns, anchor),
        "first_tag": scans.first,
        "scans": [_instant(boot_ns, anchor) for boot_ns in scans.boot_ns.tolist()],
        "raw": scans.raw.tolist(),
        "value": scans.value.tolist(),
        "quality": scans.quality.tolist(),
    }


def _exact(rows: Rows) -> dict[str, str]:
    """Return, by tag number, what the rows' JSON numbers cannot say."""
    exact = {str(tag): str(found) for tag, found in rows.exact.items()}
    infinite = np.isinf(rows.raw)
    if infinite.any():
        chosen = zip(rows.tags[infinite].tolist(), rows.raw[infinite].tolist(), strict=True)
        exact = {str(tag): infinity(raw) for tag, raw in chosen} | exact
    return exact


def _ledger(counters: Counters, dictionary: Dictionary) -> Json:
    return {
        "scanned": counters.scanned,
        "recorded": counters.recorded,
        "suppressed": dict(zip(dictionary.suppression, counters.suppressed, strict=False)),
    }


def _event(record: Record, anchor: Anchor | None) -> Json:
    event = unpack_event(record.body)
    return {
        "event": event.kind,
        "rule": event.rule,
        "title": event.title,
        "priority": event.priority,
        "at": _instant(event.boot_ns, anchor),
        "scan": _instant(event.scan_boot_ns, anchor),
        "evidence": [_evidence(evidence, anchor) for evidence in event.evidence],
        "figures": event.figures,
        "withheld": event.withheld,
        "response": event.response,
        "basis": event.basis,
        "text": event.text,
    }


def _evidence(evidence: EvidenceBody, anchor: Anchor | None) -> Json:
    return {
        "tag": evidence.name,
        "title": evidence.title,
        "device": evidence.device,
        "unit": evidence.unit,
        "raw": evidence.raw,
        "value": evidence.value,
        "exact": evidence.exact,
        "quality": evidence.quality,
        "quality_text": evidence.quality_text,
        "scan": _instant(evidence.boot_ns, anchor),
    }


def _gap(record: Record, anchor: Anchor | None) -> Json:
    gap = unpack_gap(record.body).dated(anchor)
    return {
        "cause": gap.cause,
        "device": gap.device,
        "link": gap.link,
        "uplink": gap.uplink,
        "start": _moment(gap.start),
        "end": _moment(gap.end),
        "scans_missed": gap.scans_missed,
        "by": gap.by,
        "title": gap.title,
        "text": Words.of(gap.words()),
    }


def _moment(moment: Moment | None) -> Json:
    if moment is None:
        return _instant(None, None)
    return {"utc_ms": _ms(moment.utc_ns), "boot_ms": _ms(moment.boot_ns)}


def _instant(boot_ns: int | None, anchor: Anchor | None) -> Json:
    if boot_ns is None:
        return {"utc_ms": None, "boot_ms": None}
    return {"utc_ms": None if anchor is None else _ms(anchor.utc_ns_of(boot_ns)), "boot_ms": _ms(boot_ns)}


def _ms(time_ns: int) -> float:
    return round(time_ns / 1e6, 3)


def _clock(anchor: Anchor | None) -> Json:
    if anchor is None:
        return {"state": "unknown", "source": "none", "boot_id": None, "uncertainty_ms": None}
    state = "synchronised" if anchor.synchronised else "unsynchronised"
    within_ms = None if anchor.uncertainty_ns is None else _ms(anchor.uncertainty_ns)
    return {"state": state, "source": anchor.source, "boot_id": anchor.boot_id, "uncertainty_ms": within_ms}


def _tag(number: int, facts: TagFacts) -> Json:
    return {
        "tag": number,
        "name": facts.name,
        "code": facts.code,
        "title": facts.title,
        "unit": facts.unit,
        "device": facts.device,
        "scan_class": facts.scan_class,
        "type": facts.type,
        "scale": facts.scale,
        "offset": facts.offset,
        "range_low": facts.range_low,
        "range_high": facts.range_high,
        "limits": facts.limits,
        "safety": facts.safety,
        "sentinels": facts.sentinels,
        "enum": facts.enum,
    }


@cache
def _quality_table() -> Json:
    """Return what the numbers of the quality column mean (config/vocabulary.py)."""
    return {
        "classes": ["good", "uncertain", "bad"],
        "reasons": [
            {
                "code": reason.value,
                "name": reason.name.lower(),
                "text": Words.of(facts.words),
                "opcua_status": facts.status_code,
                "hj212": facts.hj212,
            }
            for reason, facts in REASONS.items()
        ],
        "flags": {flag.name.lower(): flag.value for flag in Flag if flag.name and flag.value},
    }
