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
LAST_UTC_NS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * S
"""No record of this version is younger; a source that says so is broken."""
DRIFT: Final = 100e-6
"""How far a quartz may go wrong, with a margin: 100 ppm, some nine seconds a day."""
TRUSTED_NS: Final = 60 * S
"""What a source said once is no longer vouched for when it may be wrong by a minute."""
_AGREEING: Final = 3
"""Samples in a row that agree with each other, until they are believed against what is known."""


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

    def contradicts(self, later: Sample) -> bool:
        """Tell whether both cannot be true, whichever way they err."""
        apart_ns = abs(self.utc_at(later.boot_ns) - later.utc_ns)
        return apart_ns > self.uncertainty_at(later.boot_ns) + later.uncertainty_ns


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
        self._rivals: list[Sample] = []
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

    def offer(self, sample: Sample) -> bool:
        """Hear of UTC from a source; return False where it cannot be true if what is known is.

        Taken where it is better than what is known, or where enough samples in a row contradict that and not
        each other: one may be torn, or wrong for a moment.
        """
        if not BUILT_UTC_NS <= sample.utc_ns < LAST_UTC_NS:
            return False
        known = self._sample
        if known is not None and known.contradicts(sample):
            agree = bool(self._rivals) and not self._rivals[-1].contradicts(sample)
            self._rivals = [*self._rivals, sample] if agree else [sample]
            if len(self._rivals) < _AGREEING:
                return False
            known = None
        self._rivals = []
        if known is None or sample.uncertainty_ns <= known.uncertainty_at(sample.boot_ns):
            self._sample = sample
        return True

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
