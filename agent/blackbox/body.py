"""The bodies of WINDOW records.

WINDOW, version 1, little-endian: successive scans of some tags of one scan group, as they were read.

    head        u8 version, u8 flags, u8 raw code, u8 value code, u32 first tag, u32 tags, u32 scans,
                i64 boottime of the event that the window belongs to, u16 bytes of the rule's name
    rule        UTF-8: what raised the event
    boot        i64[scans], when each scan began
    raw         a column (agent/columns.py) of tags x scans, tag by tag
    value       likewise; code SAME: value = raw * scale + offset bit for bit, nothing is stored
    quality     u32[tags x scans], with flag ONE_QUALITY one u32 for all
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.blackbox.ring import BYTES_PER_READING, BYTES_PER_SCAN, Scans
from agent.bodies import RecordError
from agent.columns import pack_column, same_bits, unpack_column, view
from agent.dictionary import Dictionary
from agent.rows import MAX_BODY_BYTES, Float64s

VERSION: Final = 1
ONE_QUALITY: Final = 1
SAME: Final = 0x0F
_HEAD: Final = Struct("<BBBBIIIqH")
_LONGEST_RULE: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """A piece of a window: the event that it belongs to, and scans."""

    rule: str
    event_boot_ns: int
    scans: Scans


def most_scans(tags: int) -> int:
    """Return how many scans of so many tags surely fit into a body; 0 where not even one does."""
    room = MAX_BODY_BYTES - _HEAD.size - _LONGEST_RULE
    return room // (tags * BYTES_PER_READING + BYTES_PER_SCAN)


@np.errstate(all="ignore")
def pack_window(window: Window, dictionary: Dictionary) -> bytes:
    """Return the WINDOW body of scans that `most_scans` allows."""
    scans = window.scans
    count, tags = scans.raw.shape
    raw, value = scans.raw.T.ravel(), scans.value.T.ravel()
    raw_code, raw_bytes = pack_column(raw)
    value_code, value_bytes = (
        (SAME, b"") if same_bits(value, _linear(raw, scans.first, tags, dictionary)) else pack_column(value)
    )
    quality = scans.quality.T.astype("<u4").ravel()
    same = bool((quality == quality[0]).all())
    rule = window.rule.encode()[:_LONGEST_RULE]
    head = (VERSION, ONE_QUALITY if same else 0, raw_code, value_code, scans.first, tags, count)
    return b"".join(
        (
            _HEAD.pack(*head, window.event_boot_ns, len(rule)),
            rule,
            scans.boot_ns.astype("<i8").tobytes(),
            raw_bytes,
            value_bytes,
            (quality[:1] if same else quality).tobytes(),
        )
    )


@np.errstate(all="ignore")
def unpack_window(body: bytes, dictionary: Dictionary) -> Window:
    """Return what `pack_window` was given. Raises RecordError."""
    if len(body) <= _HEAD.size or body[0] != VERSION:
        raise RecordError("not a WINDOW body of version 1")
    _, flags, raw_code, value_code, first, tags, scans, event_boot_ns, length = _HEAD.unpack_from(body)
    if not tags or first + tags > len(dictionary.tags):
        raise RecordError("a tag number is not in the dictionary")
    offset = _HEAD.size + length
    rule = body[_HEAD.size : offset].decode(errors="replace")
    boot_ns = view(body, offset, scans, np.dtype("<i8"))
    raw, offset = unpack_column(raw_code, body, offset + 8 * scans, tags * scans)
    if value_code == SAME:
        value = _linear(raw, first, tags, dictionary)
    else:
        value, offset = unpack_column(value_code, body, offset, tags * scans)
    one = bool(flags & ONE_QUALITY)
    quality = view(body, offset, 1 if one else tags * scans, np.dtype("<u4"))
    whole = np.broadcast_to(quality, tags * scans) if one else quality
    found = Scans(
        first=first,
        boot_ns=boot_ns.astype(np.int64),
        raw=_by_scan(raw, tags),
        value=_by_scan(value, tags),
        quality=whole.reshape(tags, scans).T.astype(np.uint32),
    )
    return Window(rule=rule, event_boot_ns=event_boot_ns, scans=found)


def _linear(raw: Float64s, first: int, tags: int, dictionary: Dictionary) -> Float64s:
    inside, scans = slice(first, first + tags), len(raw) // tags
    return raw * np.repeat(dictionary.scale[inside], scans) + np.repeat(dictionary.offset[inside], scans)


def _by_scan(column: Float64s, tags: int) -> NDArray[np.float64]:
    return column.reshape(tags, -1).T.copy()
