"""The ANCHOR record: what time it was, by both clocks of one boot, and how well that was known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import TypeAdapter

from agent.bodies import unpack_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One instant by CLOCK_BOOTTIME and by UTC; the body of an ANCHOR record is this as JSON.

    `boot_id`: 32 hex digits. `source`: who tells the time: `kernel` (NTP or PTP), `http`, `opcua`, `tag`,
    `calendar`; nobody: `none` (the machine's own clock) or `floor` (the newest time stored before, where
    that clock says less). `synchronised`: somebody vouches for it. `uncertainty_ns`: how wrong it may be;
    None where nobody knows.
    """

    boot_id: str
    boot_ns: int
    utc_ns: int
    synchronised: bool
    source: str
    uncertainty_ns: int | None = None

    def utc_ns_of(self, boot_ns: int) -> int:
        """Return the UTC, in ns, of an instant of this boot."""
        return self.utc_ns + boot_ns - self.boot_ns


_BODY: Final = TypeAdapter(Anchor)


def pack_anchor(anchor: Anchor) -> bytes:
    """Return the ANCHOR body."""
    return orjson.dumps(anchor)


def unpack_anchor(body: bytes) -> Anchor:
    """Return the anchor of an ANCHOR body. Raises RecordError."""
    return unpack_json(_BODY, body)
