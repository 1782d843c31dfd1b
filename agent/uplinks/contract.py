"""What an uplink is: the border between the log and a platform.

An uplink carries messages to one platform and says which were acknowledged. It keeps no queue of its own (the
log is the only queue), starts no task that outlives `close()`, and retries nothing (`agent/retry.py` does).
Every uplink passes `tests/uplinks/contract_suite.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agent.gap import GapCause
from config.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the platform will see it. `kind` is the last part of the topic or path."""

    kind: str
    payload: bytes
    retain: bool = False


class UplinkDown(Exception):  # noqa: N818 - the failure's own word
    """There is no platform, or the connection was lost; what was in flight is not acknowledged."""

    cause: GapCause = GapCause.LINK_LOST

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class UplinkCut(UplinkDown):
    """The connection ended without a word: the platform, or the line, has cut it."""


class UplinkTurnedAway(UplinkDown):
    """There is a platform, and it will have nothing to do with us."""

    cause = GapCause.PLATFORM_REFUSED


class UplinkBusy(UplinkDown):
    """The platform takes nothing for now; that says nothing about the messages that were under way."""


class UplinkTakenOver(UplinkBusy):
    """Somebody else has connected to the platform under our name."""


class UplinkRefused(Exception):  # noqa: N818
    """The platform refused this very message, or it is too large to be sent; others may pass."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class Uplink(Protocol):
    """One connection to one platform; made new for every attempt."""

    @property
    def window(self) -> int:
        """How many messages may be under way at once; right once connected."""
        ...

    async def connect(self) -> None:
        """Connect and be accepted. Raises UplinkDown. Bounded in time."""
        ...

    async def send(self, message: Message) -> None:
        """Hand one message over and return when the platform has acknowledged it.

        May be called again while earlier calls wait; waits while the window is full. Messages leave in the
        order of the calls. Raises UplinkDown (the connection is gone), UplinkBusy (or of no use for now) or
        UplinkRefused (this message).
        """
        ...

    async def heard(self) -> bytes:
        """Return the next message that the platform sent us; waits for ever where it sends none."""
        ...

    def hurry(self) -> None:
        """Hold nothing back any more: the agent is about to leave."""
        ...

    async def closed(self) -> UplinkDown:
        """Return when the connection was lost, and how."""
        ...

    async def close(self) -> None:
        """Say goodbye within a second and leave nothing behind."""
        ...
