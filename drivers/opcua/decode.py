"""From what an OPC UA server says to raw numbers and our quality. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.vocabulary import CLASS_SHIFT, DETAIL_MASK, DETAIL_SHIFT, REASON_SHIFT, QualityClass, Reason, bad
from drivers.contract import Scan, Stamps, Uint32s, checksum_of

_LARGEST_EXACT: Final = 2**53  # float64 holds every whole number up to here
_SEVERITY_SHIFT: Final = 30  # of a StatusCode (OPC UA Part 4, 7.39.1)
_SUB_CODE_SHIFT: Final = 16
_NOT_A_NUMBER: Final = bad(Reason.NOT_A_NUMBER)
_UNDECODABLE: Final = bad(Reason.UNDECODABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a server says of some nodes, in their order.

    `values`: bool, int, float, str, None, or whatever else the node holds. `statuses`: OPC UA StatusCodes.
    `source_utc_ns`, `server_utc_ns`: 0 where there is none.
    """

    values: list[object]
    statuses: list[int]
    source_utc_ns: list[int]
    server_utc_ns: list[int]

    def take(self, index: int, other: Readings, at: int) -> None:
        """Let one reading be that of another server's answer."""
        self.values[index] = other.values[at]
        self.statuses[index] = other.statuses[at]
        self.source_utc_ns[index] = other.source_utc_ns[at]
        self.server_utc_ns[index] = other.server_utc_ns[at]


def decode(readings: Readings, texts: Collection[int] = ()) -> Scan:
    """Return the scan that the readings amount to; `texts`: which of them are to be texts.

    Booleans are 0 and 1. Texts, and whole numbers that float64 cannot hold, stand in `exact`. A Bad status
    has no value. NaN and infinities that are Good or Uncertain are Bad NOT_A_NUMBER; arrays, structures, and
    a text where a number is to be (or the other way round) are Bad UNDECODABLE.
    """
    quality = quality_of(readings.statuses)
    raw = np.full(len(readings.values), np.nan)
    exact: dict[int, int | str] = {}
    for index, value in enumerate(readings.values):
        if quality[index] >> CLASS_SHIFT == QualityClass.BAD:
            continue
        if isinstance(value, str) and index in texts:
            exact[index] = found = _text(value)
            raw[index] = checksum_of(found)
        elif not isinstance(value, int | float) or index in texts:  # bool is an int
            quality[index] = _UNDECODABLE
        else:
            raw[index] = value
            if not math.isfinite(value):
                quality[index] = _NOT_A_NUMBER
            elif isinstance(value, int) and abs(value) > _LARGEST_EXACT:
                exact[index] = value
    return Scan(
        raw=raw,
        quality=quality,
        stamps=Stamps(
            source_utc_ns=np.array(readings.source_utc_ns, dtype=np.int64),
            server_utc_ns=np.array(readings.server_utc_ns, dtype=np.int64),
        ),
        exact=exact,
    )


def quality_of(statuses: Sequence[int]) -> Uint32s:
    """Return the quality words of StatusCodes: Good, or the server's class with its sub-code as detail."""
    status = np.array(statuses, dtype=np.uint32)
    severity = np.minimum(status >> _SEVERITY_SHIFT, QualityClass.BAD)
    detail = status >> _SUB_CODE_SHIFT & DETAIL_MASK
    word = severity << CLASS_SHIFT | detail << DETAIL_SHIFT | Reason.SERVER << REASON_SHIFT
    return np.where(severity == QualityClass.GOOD, 0, word).astype(np.uint32)


def _text(found: str) -> str:
    """Return text; bytes that are no UTF-8, which asyncua keeps as surrogates, are GB18030 in our plants."""
    raw = found.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
