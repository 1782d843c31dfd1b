"""What a platform codec is: a pure view of stored records as one platform's messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.anchor import Anchor
from agent.dictionary import Dictionary
from agent.platforms.confirmation import Confirmed
from agent.uplinks.contract import Message
from buffer.ledger import Balance
from buffer.record import Record
from config.vocabulary import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a gateway tells of itself when it comes, now and then, and when it goes.

    `boot_ns`: now. `anchor`: dates it. `balances`: how the streams stand with the uplink.
    """

    run: int
    online: bool
    reason: str
    boot_ns: int
    anchor: Anchor
    balances: Mapping[Stream, Balance]


class Codec(Protocol):
    """One platform's format. Same arguments, same messages; keeps no state but its own name."""

    def encode(
        self,
        record: Record,
        dictionary: Dictionary | None,
        anchor: Anchor | None,
        *,
        backfill: bool,
        replay: bool = False,
    ) -> Message:
        """Return one stored record as a message, dated by `anchor`. Raises RecordError."""
        ...

    def confirmed(self, payload: bytes) -> Sequence[Confirmed]:
        """Return what the platform says that it has persisted. Raises ConfirmationError."""
        ...

    def meta(self, dictionary: Dictionary, *, current: bool) -> Iterator[Message]:
        """Yield what a receiver needs before the first readings of `dictionary`; `current`: of this run."""
        ...

    def status(self, presence: Presence) -> Message:
        """Return the gateway's presence, to be kept by the platform until the next."""
        ...

    def last_will(self, run: int) -> Message:
        """Return the presence that the platform itself shall publish when the connection breaks."""
        ...
