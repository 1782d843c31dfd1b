"""How this boot's clock stands to UTC: anchors, who vouches for them, and steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.anchor import Anchor
from agent.clock import Clock
from config.units import S

STEP_NS: Final = S // 2
BUILT_UTC_NS: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * S
"""No record of this version is older; a clock that says so was never set."""
DRIFT: Final = 100e-6
"""How far a quartz may go wrong, with a margin: 100 ppm, some nine seconds a day."""
TRUSTED_NS: Final = 60 * S
"""What a source said once is no longer vouched for when it may be wrong by a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a source says that UTC was at an instant of this boot, and how wrong that may be."""

    source: str
    boot_ns: int
    utc_ns: int
    uncertainty_ns: int

    def uncertainty_at(self, boot_ns: int) -> int:
        """Return how wrong it may be by now."""
        return self.uncertainty_ns + round(DRIFT * abs(boot_ns - self.boot_ns))

    def utc_at(self, boot_ns: int) -> int:
        """Return the UTC of an instant."""
        return self.utc_ns + boot_ns - self.boot_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """By how much the time that we use jumped, and by how much the machine's clock did."""

    used_ns: int
    machine_ns: int


class Timebase:
    """Keeps the newest anchor of this boot; `update` is called once a second.

    Believed is, in this order: the machine's clock where the kernel says that it is synchronised; the best of
    the samples; the machine's clock, but never less than what was stored last, nor than `BUILT_UTC_NS`: a
    clock without a battery begins in 1970. The machine's clock is never set.
    """

    def __init__(self, clock: Clock, boot_id: str) -> None:
        self._clock = clock
        self._boot_id = boot_id
        self._sample: Sample | None = None
        self._floor = Sample(
            source="floor", boot_ns=clock.boot_ns(), utc_ns=BUILT_UTC_NS, uncertainty_ns=TRUSTED_NS
        )
        self.anchor = self._take()
        self._told = self.anchor
        self._machine_offset_ns = clock.utc_ns() - clock.boot_ns()

    def stored(self, utc_ns: int) -> None:
        """Hear of the newest time that was stored before; called once, before anything is recorded."""
        if utc_ns > self._floor.utc_ns:
            now = self._clock.boot_ns()
            self._floor = Sample(source="floor", boot_ns=now, utc_ns=utc_ns, uncertainty_ns=TRUSTED_NS)
        self.anchor = self._told = self._take()

    def offer(self, sample: Sample) -> None:
        """Hear of UTC from a source: taken where it is better than what is known, or contradicts it."""
        if sample.utc_ns < BUILT_UTC_NS:
            return
        known = self._sample
        if known is None:
            self._sample = sample
            return
        wrong_ns = abs(known.utc_at(sample.boot_ns) - sample.utc_ns)
        known_ns = known.uncertainty_at(sample.boot_ns)
        if sample.uncertainty_ns <= known_ns or wrong_ns > known_ns + sample.uncertainty_ns:
            self._sample = sample

    def update(self) -> Step | None:
        """Renew the anchor; return how time stepped, once that is half a second.

        It is measured from the step that was told last, so that many small ones are told too.
        """
        self.anchor = self._take()
        used_ns = self.anchor.utc_ns - self._told.utc_ns_of(self.anchor.boot_ns)
        machine_offset_ns = self._clock.utc_ns() - self._clock.boot_ns()
        machine_ns = machine_offset_ns - self._machine_offset_ns
        if max(abs(used_ns), abs(machine_ns)) < STEP_NS:
            return None
        self._told, self._machine_offset_ns = self.anchor, machine_offset_ns
        return Step(used_ns=used_ns, machine_ns=machine_ns)

    def machine_error_ns(self) -> int | None:
        """Return how far the machine's clock is ahead of what is believed; None where itself is believed."""
        if self.anchor.source in ("kernel", "none"):
            return None
        return self._clock.utc_ns() - self.anchor.utc_ns_of(self._clock.boot_ns())

    def _take(self) -> Anchor:
        boot_ns, utc_ns = self._clock.boot_ns(), self._clock.utc_ns()
        within_ns = self._clock.vouched_within_ns()
        if within_ns is not None:
            return self._anchor(boot_ns, utc_ns, "kernel", within_ns)
        if self._sample is not None:
            sample = self._sample
            return self._anchor(
                boot_ns, sample.utc_at(boot_ns), sample.source, sample.uncertainty_at(boot_ns)
            )
        if utc_ns >= self._floor.utc_ns:
            return self._anchor(boot_ns, utc_ns, "none", None)
        return self._anchor(boot_ns, self._floor.utc_at(boot_ns), "floor", None)

    def _anchor(self, boot_ns: int, utc_ns: int, source: str, uncertainty_ns: int | None) -> Anchor:
        return Anchor(
            boot_id=self._boot_id,
            boot_ns=boot_ns,
            utc_ns=utc_ns,
            synchronised=uncertainty_ns is not None and uncertainty_ns <= TRUSTED_NS,
            source=source,
            uncertainty_ns=uncertainty_ns,
        )
