"""The platform's word: what was persisted is confirmed to the gateways, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from agent.platforms.confirmation import MOST_RANGES, pack_confirmation
from agent.ranges import Ranges
from agent.receive.messages import Key

Publish = Callable[[bytes], None]


class Confirmer:
    """Gathers keys that were written and confirms them once `persist` has them on the disk."""

    def __init__(self, persist: Callable[[], None], publish: Publish) -> None:
        self._persist = persist
        self._publish = publish
        self._written: dict[tuple[str, str], dict[tuple[str, str], Ranges]] = {}

    def note(self, key: Key) -> None:
        """Take note that a record was written, now or before."""
        streams = self._written.setdefault((key.enterprise, key.gateway), {})
        streams.setdefault((key.run, key.stream), Ranges()).add(key.seq)

    def confirm(self) -> None:
        """Persist what was written, then publish it."""
        if not self._written:
            return
        self._persist()
        written, self._written = self._written, {}
        for (enterprise, gateway), streams in written.items():
            ranges = ((*stream, first, last) for stream, found in streams.items() for first, last in found)
            while batch := list(islice(ranges, MOST_RANGES)):
                self._publish(pack_confirmation(enterprise, gateway, batch))
