"""How this boot's clock stands to UTC: anchors, and steps of the wall clock."""

from __future__ import annotations

from typing import Final

from agent.anchor import Anchor
from agent.clock import Clock

STEP_NS: Final = 500_000_000


class Timebase:
    """Keeps the newest anchor of this boot; `update` is called once a second."""

    def __init__(self, clock: Clock, boot_id: str) -> None:
        self._clock = clock
        self._boot_id = boot_id
        self.anchor = self._take()
        self._told = self.anchor

    def update(self) -> int | None:
        """Renew the anchor; return by how many ns the wall clock stepped, once that is half a second.

        It is measured from the step that was told last, so that many small ones are told too.
        """
        self.anchor = self._take()
        step_ns = self.anchor.utc_ns - self._told.utc_ns_of(self.anchor.boot_ns)
        if abs(step_ns) < STEP_NS:
            return None
        self._told = self.anchor
        return step_ns

    def _take(self) -> Anchor:
        vouched = self._clock.synchronised()
        return Anchor(
            boot_id=self._boot_id,
            boot_ns=self._clock.boot_ns(),
            utc_ns=self._clock.utc_ns(),
            synchronised=vouched,
            source="kernel" if vouched else "none",
        )
