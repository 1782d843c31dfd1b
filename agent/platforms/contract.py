"""What a platform codec is: a pure view of stored records as one platform's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.anchor import Anchor
from agent.dictionary import Dictionary
from agent.uplinks.contract import Message
from config.vocabulary import RecordKind, Stream


class StoredRecord(Protocol):
    """A record as the log gives it; see `buffer.log.Record`."""

    @property
    def run(self) -> int: ...  # noqa: D102
    @property
    def stream(self) -> Stream: ...  # noqa: D102
    @property
    def seq(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> RecordKind: ...  # noqa: D102
    @property
    def first_boot_ns(self) -> int: ...  # noqa: D102
    @property
    def count(self) -> int: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much of something: records of the log, and the readings in them."""

    records: int
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one stream stands with one uplink: recorded = delivered + backlog + quarantined + sum(lost)."""

    recorded: Amount
    delivered: Amount
    backlog: Amount
    quarantined: Amount
    lost: Mapping[str, Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a gateway tells of itself when it comes, now and then, and when it goes.

    `utc_ns` and `boot_ns`: now. `anchor`: how that was known.
    """

    run: int
    online: bool
    reason: str
    boot_ns: int
    anchor: Anchor
    standings: Mapping[Stream, Standing]


class Codec(Protocol):
    """One platform's format. Same arguments, same messages; keeps no state but its own name."""

    def encode(
        self, record: StoredRecord, dictionary: Dictionary | None, anchor: Anchor | None, *, backfill: bool
    ) -> Message:
        """Return one stored record as a message, dated by `anchor`. Raises RecordError."""
        ...

    def meta(self, dictionary: Dictionary, *, current: bool) -> Sequence[Message]:
        """Return what a receiver needs before the first readings of `dictionary`; `current`: of this run."""
        ...

    def status(self, presence: Presence) -> Message:
        """Return the gateway's presence, to be kept by the platform until the next."""
        ...

    def last_will(self, run: int) -> Message:
        """Return the presence that the platform itself shall publish when the connection breaks."""
        ...
