"""What a driver is: the border between a device and the rest of the program.

A driver serves one device. It is connected, asked for scans, and closed; it starts no task that outlives
`close()`, retries nothing (the next scan is the retry), and raises only `DeviceError` for what the device or
its link does. Every driver passes `tests/drivers/contract_suite.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from config.plant import ScanGroup
from config.text import Text
from config.vocabulary import Reason, bad

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint32s = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stamps:
    """What a device says about when: int64[n] each, UTC in ns, 0 where it says nothing.

    `source_utc_ns`: when the value arose; `server_utc_ns`: when the server had it from there.
    """

    source_utc_ns: Int64s
    server_utc_ns: Int64s

    def take(self, places: slice | Int64s) -> Stamps:
        """Return those of some readings."""
        return Stamps(source_utc_ns=self.source_utc_ns[places], server_utc_ns=self.server_utc_ns[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One reading of every tag of a scan group, in the group's order; absence is a Bad quality, never a gap.

    `raw`: float64[n], the number as decoded, before scale and offset; NaN where there is none.
    `quality`: uint32[n], see `config.vocabulary`; only the driver's own reasons, nothing judged.
    `stamps`: the device's own times; None: the protocol has none.
    `exact`: values that float64 cannot hold (text, large counters), by index within the group, and none where
    `raw` is NaN; the `raw` of a text is `checksum_of` it, so that a new text is a change like any other.
    The arrays belong to the receiver.
    """

    raw: Float64s
    quality: Uint32s
    stamps: Stamps | None = None
    exact: Mapping[int, int | str] = field(default_factory=dict)


def exact_of(found: Mapping[int, int | str], raw: Float64s) -> dict[int, int | str]:
    """Return what may stand in `Scan.exact`: nothing of a reading that has no value."""
    return {index: value for index, value in found.items() if not isnan(raw[index])}


def checksum_of(found: str) -> float:
    """Return the number that stands for a text (CRC-32 of its UTF-8)."""
    return float(zlib.crc32(found.encode(errors="replace")))


class DeviceError(Exception):
    """One device or one request failed; becomes Bad readings in `agent/poll.py` and nowhere else."""

    reason: Reason = Reason.LINK_DOWN

    def __init__(self, words: Text, *, detail: int = 0) -> None:
        self.words = words
        self.detail = detail
        super().__init__(str(words))

    @property
    def quality(self) -> int:
        """The quality word of every reading that this failure cost."""
        return bad(self.reason, detail=self.detail)

    def again(self) -> Self:
        """Return it as it was when new; raised to one caller after another, it would remember them all."""
        return self.with_traceback(None)


class LinkDown(DeviceError):  # noqa: N818 - the failure's own word
    """There is no connection, or it was lost."""

    reason = Reason.LINK_DOWN


class DeviceTimeout(DeviceError):  # noqa: N818
    """The device did not answer in time."""

    reason = Reason.TIMEOUT


class Desync(DeviceError):  # noqa: N818
    """An answer arrived that cannot belong to the question; the link was resynchronised."""

    reason = Reason.DESYNC


class DeviceRefused(DeviceError):  # noqa: N818
    """The device answered no; `detail` is its code."""

    reason = Reason.REFUSED


class Demoted(DeviceError):  # noqa: N818
    """The device was not asked: it has not answered of late, and its neighbours need the bus."""

    reason = Reason.DEMOTED


@dataclass(slots=True, kw_only=True)
class DriverCounters:
    """What a driver did since it was made; read by `status`, never reset.

    `overflows`: changes that a subscription's queue at the device could not hold.
    """

    requests: int = 0
    timeouts: int = 0
    refused: int = 0
    desyncs: int = 0
    connects: int = 0
    overflows: int = 0
    unasked: int = 0

    def count(self, error: DeviceError) -> None:
        """Count a failed request, or one that was not made."""
        self.timeouts += isinstance(error, DeviceTimeout)
        self.refused += isinstance(error, DeviceRefused)
        self.desyncs += isinstance(error, Desync)
        self.unasked += isinstance(error, Demoted)


class Driver(Protocol):
    """One device.

    Cancelling any call leaves the driver usable and no late answer behind. Calls for one device may overlap;
    the driver serialises what its link needs serialised.
    """

    counters: DriverCounters

    async def scan(self, group: ScanGroup) -> Scan:
        """Read every tag of `group` once, connecting first where there is no connection.

        What concerns single tags (a refused block, a bad status) is in the scan's quality. Raises DeviceError
        where the whole device or link failed. Bounded in time by the link's timeouts.
        """
        ...

    async def close(self) -> None:
        """Give the connection back; afterwards no task, socket or thread of this driver is left."""
        ...

    def plan(self, group: ScanGroup) -> list[Text]:
        """Return the requests that one scan of `group` costs, a line each, for `fengsui check`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Something that a device cannot be reached without, and when it ends (UTC)."""

    what: Text
    utc_ns: int


@runtime_checkable
class Expiring(Protocol):
    """A driver whose link rests on what has an end: a certificate, a licence."""

    def expiries(self) -> tuple[Expiry, ...]:
        """Return what is known of it so far; asks nobody."""
        ...
