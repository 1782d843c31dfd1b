"""The pipeline's side of the loss ledger: what became of every reading before the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.rows import Counters
from filters.report import SUPPRESSING_RULES, Report


@dataclass(slots=True)
class IntakeLedger:
    """Readings of this run: scanned = recorded + sum(suppressed) + refused.

    `suppressed`: by `SUPPRESSING_RULES`. `refused`: the log's queue was full (the disk too slow). `events`,
    `events_refused`: records of the events stream.
    """

    scanned: int = 0
    recorded: int = 0
    suppressed: list[int] = field(default_factory=lambda: [0] * len(SUPPRESSING_RULES))
    refused: int = 0
    events: int = 0
    events_refused: int = 0

    def add(self, scanned: int, report: Report) -> None:
        """Count one scan and what was chosen of it."""
        self.scanned += scanned
        self.recorded += report.recorded
        for rule, count in enumerate(report.suppressed):
            self.suppressed[rule] += count

    def refuse(self, readings: int) -> None:
        """Count readings that were to be recorded and that the log could not take."""
        self.recorded -= readings
        self.refused += readings

    def counters(self) -> Counters:
        """Return what a DATA record carries."""
        return Counters(scanned=self.scanned, recorded=self.recorded, suppressed=tuple(self.suppressed))
