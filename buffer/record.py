"""What goes into the log and comes out of it: records, and the losses that the log itself records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from config.vocabulary import LossCause, RecordKind, Stream

MAX_BODY_BYTES: Final = 64 * 1024
"""Most that a numbered record's body may have, uncompressed."""
MAX_UNNUMBERED_BYTES: Final = 16 * 1024 * 1024
"""Most that a TAGS, ANCHOR or STATE body may have, uncompressed."""
UNNUMBERED: Final = frozenset({RecordKind.TAGS, RecordKind.ANCHOR, RecordKind.STATE})
"""Kinds that have no number of their own and are never sent as they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One numbered record. Its key (run, stream, seq) has one content for ever.

    `first_boot_ns`, `last_boot_ns`: CLOCK_BOOTTIME range of the body. `count`: readings in a DATA body,
    else 0. `body`: uncompressed.
    """

    run: int
    stream: Stream
    seq: int
    kind: RecordKind
    first_boot_ns: int
    last_boot_ns: int
    count: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Records destroyed: the numbers `first`..`last` of one run and stream, for one uplink.

    `uplink` is empty where every uplink is concerned because nothing of it was ever stored. `first` and
    `last` are 0 where the numbers are not known. `count`: records, `readings`: readings in them.
    """

    uplink: str
    stream: Stream
    run: int
    first: int
    last: int
    count: int
    readings: int
    cause: LossCause

    def body(self) -> bytes:
        """Return the body of the LOSS record."""
        return orjson.dumps(
            {
                "uplink": self.uplink,
                "stream": self.stream.name.lower(),
                "run": self.run,
                "first": self.first,
                "last": self.last,
                "count": self.count,
                "readings": self.readings,
                "cause": self.cause,
            }
        )
