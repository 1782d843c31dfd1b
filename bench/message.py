"""What the bench needs of `fengsui/1` (docs/messages.md), and what it knows of the load devices' values.

The bench names its tags `d07_r042`: device 7, register 42. With the load devices' rule (`bench.load_devices`)
the first raw value of a scan tells which answer of its device it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

READINGS: Final = "readings"
EVENT: Final = "event"
META: Final = "meta"
SCALE: Final = 0.1
"""The scale of every register's tag: value = raw * SCALE."""

Row = tuple[int, int, float, int]
"""Tag number, raw, value, quality."""

_ENVELOPE: Final = {"schema": "fengsui/1", "enterprise": "bench", "gateway": "bench"}
_VALUES: Final = [raw * SCALE for raw in range(2 * 65536)]
_GOOD: Final = 0
_BAD: Final = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """A part of a tag dictionary: `tags` gives the name of each number, under the dictionary's own id."""

    meta: str
    tags: dict[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message with a key. `rows` and `meta` only of readings; `event` only of events."""

    kind: str
    run: str
    stream: str
    seq: int
    scan_utc_ns: int
    meta: str = ""
    rows: list[list[Any]]
    event: str = ""


def tag_name(device: int, register: int) -> str:
    """Return the name of a register's tag."""
    return f"d{device:02d}_r{register:03d}"


def device_of(tag: str) -> int:
    """Return the number of the device that a tag of the bench is on."""
    return int(tag[1 : tag.index("_")])


def encode_readings(*, run: str, seq: int, scan_utc_ns: int, rows: Iterable[Row]) -> bytes:
    """Return the scan of a bare loop as the agent would send it."""
    return orjson.dumps(
        {
            **_ENVELOPE,
            "kind": READINGS,
            "run": run,
            "stream": READINGS,
            "seq": seq,
            "meta": "bare",
            "scan": {"utc_ms": scan_utc_ns / 1e6},
            "columns": ("tag", "raw", "value", "quality"),
            "rows": rows,
        }
    )


def encode_meta(names: Iterable[str]) -> bytes:
    """Return the tag dictionary of a bare loop: the tags in the order of their numbers."""
    tags = [{"tag": number, "name": name} for number, name in enumerate(names)]
    return orjson.dumps({**_ENVELOPE, "kind": META, "meta": "bare", "tags": tags})


def decode(payload: bytes) -> Message | Meta | None:
    """Return what a payload says; None for status and whatever else has neither key nor tags."""
    found = orjson.loads(payload)
    if found.get("kind") == META:
        return Meta(meta=found["meta"], tags={tag["tag"]: tag["name"] for tag in found["tags"]})
    if "seq" not in found:
        return None
    return Message(
        kind=found["kind"],
        run=found["run"],
        stream=found["stream"],
        seq=found["seq"],
        scan_utc_ns=_utc_ns(found.get("scan")),
        meta=found.get("meta", ""),
        rows=found.get("rows", []),
        event=found.get("event", ""),
    )


def answer_of(rows: list[list[Any]], registers: int) -> int | None:
    """Return which answer of its device (modulo 65536) the rows hold; None unless every register is right.

    Right is: the raw value that the load devices' rule gives and, unless the reading is Bad, the value that
    the scale makes of it.
    """
    raws = [row[1] for row in rows[:registers]]
    if len(raws) < registers or raws[0] is None:
        return None
    number = int(raws[0])
    due = _VALUES[number : number + registers]
    values = [row[2] if row[3] < _BAD else value for row, value in zip(rows, due, strict=False)]
    return number if values == due and raws == list(range(number, number + registers)) else None


def is_good(rows: list[list[Any]]) -> bool:
    """Tell whether every reading is Good without remark."""
    return all(row[3] == _GOOD for row in rows)


def _utc_ns(instant: dict[str, float | None] | None) -> int:
    """Return an instant in ns since 1970; 0 where the message has none or could not date it."""
    utc_ms = instant["utc_ms"] if instant else None
    return round(utc_ms * 1e3) * 1000 if utc_ms else 0
