"""The bodies of DATA records.

DATA, version 1: the reported readings of one scan, little-endian. The scan's start is the record's own
`first_boot_ns`; what the tag numbers mean is in the TAGS record in force (agent/dictionary.py).

    head        u8 version, u8 flags, u8 raw code, u8 value code, u32 first tag, u32 span, u32 count
    counters    u8 rules, u64 scanned, u64 recorded, u64[rules] suppressed: readings of this run so far,
                this scan's included
    tags        where flag SPARSE: bitmap over first..first+span; else every tag of the span (span = count)
    raw         a column (agent/columns.py) of `count`
    value       value code SAME: value = raw * scale + offset bit for bit, nothing is stored, or with NAN a
                bitmap of the values that are NaN nevertheless; SCALED + width: a column of numbers n with
                value = n * scale + offset bit for bit; else a plain column
    quality     u32[count], with flag ONE_QUALITY one u32 for all
    source      where flag SOURCE: i64[count], with flag ONE_SOURCE one i64 for all: UTC in ns as the device
                gave it, 0 where it gave none
    server      where flag SERVER, which goes with SOURCE: the server's UTC less the source's, i64[count],
                with flag ONE_LAG one i64 for all; without the flag no server gave a time
    exact       where flag EXACT, to the end: JSON [[tag, value], ...] of what float64 cannot hold; a text is
                cut at MAX_TEXT characters
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter

from agent.bodies import RecordError, unpack_json
from agent.columns import NAN, pack_column, same_bits, unpack_bits, unpack_column, view
from agent.dictionary import Dictionary
from agent.rows import MAX_TEXT, Counters, Float64s, Int64s, Rows
from drivers.contract import Stamps

VERSION: Final = 1
SPARSE: Final = 1
ONE_QUALITY: Final = 2
SOURCE: Final = 4
ONE_SOURCE: Final = 8
EXACT: Final = 16
SERVER: Final = 32
ONE_LAG: Final = 64

SAME: Final = 0x0F
SCALED: Final = 0x40

_HEAD: Final = Struct("<BBBBIII")
_COUNTERS: Final = tuple(Struct(f"<B{2 + rules}Q") for rules in range(16))
_EXACT: Final = TypeAdapter(list[tuple[int, int | str]])
_U4: Final = np.dtype("<u4")
_I8: Final = np.dtype("<i8")

Number = TypeVar("Number", np.int64, np.uint32)


@np.errstate(all="ignore")
def pack_scan(rows: Rows, dictionary: Dictionary, counters: Counters) -> bytes:
    """Return the DATA body of readings that `split_rows` gave."""
    count = len(rows)
    first, last = (int(rows.tags[0]), int(rows.tags[-1])) if count else (0, -1)
    span = last - first + 1
    raw_code, raw = pack_column(rows.raw)
    value_code, value = _pack_value(rows, _linear(rows.raw, rows.tags, dictionary), dictionary)
    flags, quality = _pack_integers(rows.quality, _U4, ONE_QUALITY)
    parts = [b"", _pack_counters(counters), b"", raw, value, quality]
    if span != count:
        flags |= SPARSE
        parts[2] = _pack_members(rows.tags - first, span)
    if rows.stamps is not None:
        stamped, stamps = _pack_stamps(rows.stamps)
        flags |= stamped
        parts.append(stamps)
    if rows.exact:
        flags |= EXACT
        parts.append(_pack_exact(rows.exact))
    parts[0] = _HEAD.pack(VERSION, flags, raw_code, value_code, first, span, count)
    return b"".join(parts)


@np.errstate(all="ignore")
def unpack_scan(body: bytes, dictionary: Dictionary) -> tuple[Rows, Counters]:
    """Return what `pack_scan` was given. Raises RecordError."""
    if len(body) <= _HEAD.size or body[0] != VERSION:
        raise RecordError("not a DATA body of version 1")
    _, flags, raw_code, value_code, first, span, count = _HEAD.unpack_from(body)
    counters, offset = _unpack_counters(body)
    if count > span or first + span > len(dictionary.tags):
        raise RecordError("a tag number is not in the dictionary")
    tags, offset = _unpack_members(body, offset, span if flags & SPARSE else 0, count)
    tags += first
    raw, offset = unpack_column(raw_code, body, offset, count)
    value, offset = _unpack_value(value_code, body, offset, raw, tags, dictionary)
    quality, offset = _unpack_integers(body, offset, _U4, count, one=bool(flags & ONE_QUALITY))
    stamps, offset = _unpack_stamps(body, offset, flags, count)
    exact = _unpack_exact(body[offset:]) if flags & EXACT else {}
    rows = Rows(tags=tags, raw=raw, value=value, quality=quality, stamps=stamps, exact=exact)
    return rows, counters


def counters_of(body: bytes) -> Counters:
    """Return the counters of a DATA body. Raises RecordError."""
    if len(body) <= _HEAD.size or body[0] != VERSION:
        raise RecordError("not a DATA body of version 1")
    return _unpack_counters(body)[0]


def _linear(raw: Float64s, tags: Int64s, dictionary: Dictionary) -> Float64s:
    return raw * dictionary.scale[tags] + dictionary.offset[tags]


def _pack_value(rows: Rows, linear: Float64s, dictionary: Dictionary) -> tuple[int, bytes]:
    if same_bits(rows.value, linear):
        return SAME, b""
    absent = np.isnan(rows.value)
    present = rows.value[~absent]
    if same_bits(present, linear[~absent]):
        hidden = bool((absent != np.isnan(linear)).any())
        return (SAME | NAN, np.packbits(absent).tobytes()) if hidden else (SAME, b"")
    scale, offset = dictionary.scale[rows.tags], dictionary.offset[rows.tags]
    steps = np.rint((rows.value - offset) / scale)
    if same_bits(present, (steps * scale + offset)[~absent]):
        code, packed = pack_column(steps)
        return code | SCALED, packed
    return pack_column(rows.value)


def _unpack_value(
    code: int, body: bytes, offset: int, raw: Float64s, tags: Int64s, dictionary: Dictionary
) -> tuple[Float64s, int]:
    if code & SAME == SAME:
        value = _linear(raw, tags, dictionary)
        if code & NAN:
            absent, offset = unpack_bits(body, offset, len(raw))
            value[absent] = np.nan
        return value, offset
    numbers, offset = unpack_column(code & ~SCALED, body, offset, len(raw))
    return (_linear(numbers, tags, dictionary) if code & SCALED else numbers), offset


def _pack_counters(counters: Counters) -> bytes:
    rules = len(counters.suppressed)
    return _COUNTERS[rules].pack(rules, counters.scanned, counters.recorded, *counters.suppressed)


def _unpack_counters(body: bytes) -> tuple[Counters, int]:
    rules = body[_HEAD.size]
    if rules >= len(_COUNTERS) or len(body) < _HEAD.size + _COUNTERS[rules].size:
        raise RecordError("the body ends within the counters")
    _, scanned, recorded, *suppressed = _COUNTERS[rules].unpack_from(body, _HEAD.size)
    counters = Counters(scanned=scanned, recorded=recorded, suppressed=tuple(suppressed))
    return counters, _HEAD.size + _COUNTERS[rules].size


def _pack_members(places: Int64s, span: int) -> bytes:
    members = np.zeros(span, dtype=np.bool_)
    members[places] = True
    return np.packbits(members).tobytes()


def _unpack_members(body: bytes, offset: int, span: int, count: int) -> tuple[Int64s, int]:
    if not span:
        return np.arange(count), offset
    members, offset = unpack_bits(body, offset, span)
    places = np.flatnonzero(members)
    if len(places) != count:
        raise RecordError("the tag bitmap does not hold as many tags as the head says")
    return places, offset


def _pack_stamps(stamps: Stamps) -> tuple[int, bytes]:
    one, source = _pack_integers(stamps.source_utc_ns, _I8, ONE_SOURCE)
    flags = SOURCE | one
    if not stamps.server_utc_ns.any():
        return flags, source
    one, lags = _pack_integers(stamps.server_utc_ns - stamps.source_utc_ns, _I8, ONE_LAG)
    return flags | SERVER | one, source + lags


def _unpack_stamps(body: bytes, offset: int, flags: int, count: int) -> tuple[Stamps | None, int]:
    if not flags & SOURCE:
        return None, offset
    source, offset = _unpack_integers(body, offset, _I8, count, one=bool(flags & ONE_SOURCE))
    server = np.zeros(count, dtype=np.int64)
    if flags & SERVER:
        lags, offset = _unpack_integers(body, offset, _I8, count, one=bool(flags & ONE_LAG))
        server = source + lags
    return Stamps(source_utc_ns=source, server_utc_ns=server), offset


def _pack_integers(numbers: NDArray[Number], dtype: np.dtype[Number], one: int) -> tuple[int, bytes]:
    packed = numbers.astype(dtype, copy=False).tobytes()
    first = packed[: dtype.itemsize]
    return (one, first) if packed == first * len(numbers) else (0, packed)


def _unpack_integers(
    body: bytes, offset: int, dtype: np.dtype[Number], count: int, *, one: bool
) -> tuple[NDArray[Number], int]:
    stored = 1 if one and count else count
    numbers = view(body, offset, stored, dtype)
    return (np.full(count, numbers[0]) if stored != count else numbers), offset + stored * dtype.itemsize


def _pack_exact(exact: Mapping[int, int | str]) -> bytes:
    return orjson.dumps(
        [(tag, found[:MAX_TEXT] if isinstance(found, str) else found) for tag, found in exact.items()]
    )


def _unpack_exact(packed: bytes) -> dict[int, int | str]:
    pairs = unpack_json(_EXACT, packed)
    return dict(pairs)
