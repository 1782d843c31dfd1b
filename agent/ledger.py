"""The pipeline's side of the loss ledger: what became of every reading before the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.rows import Counters
from filters.report import SUPPRESSING_RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Readings: scanned = recorded + sum(suppressed, by rule) + refused."""

    scanned: int = 0
    recorded: int = 0
    suppressed: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0

    @classmethod
    def of(cls, counters: Counters, rules: tuple[str, ...] = SUPPRESSING_RULES) -> Totals:
        """Return what a DATA record's counters say; `rules`: of its dictionary."""
        suppressed = dict(zip(rules, counters.suppressed, strict=False))
        return cls(
            scanned=counters.scanned,
            recorded=counters.recorded,
            suppressed=suppressed,
            refused=counters.scanned - counters.recorded - sum(suppressed.values()),
        )

    def plus(self, other: Totals) -> Totals:
        """Return the sum."""
        rules = dict.fromkeys((*self.suppressed, *other.suppressed))
        return Totals(
            scanned=self.scanned + other.scanned,
            recorded=self.recorded + other.recorded,
            suppressed={rule: self.suppressed.get(rule, 0) + other.suppressed.get(rule, 0) for rule in rules},
            refused=self.refused + other.refused,
        )


@dataclass(slots=True)
class IntakeLedger:
    """Readings of this run: scanned = recorded + sum(suppressed) + refused.

    `suppressed`: by `SUPPRESSING_RULES`. `refused`: the log's queue was full (the disk too slow). `events`,
    `events_refused`: records of the events stream. `before`: of all runs before this one.
    """

    scanned: int = 0
    recorded: int = 0
    suppressed: list[int] = field(default_factory=lambda: [0] * len(SUPPRESSING_RULES))
    refused: int = 0
    events: int = 0
    events_refused: int = 0
    before: Totals = field(default_factory=Totals)

    def suppress(self, suppressed: Sequence[int]) -> None:
        """Count what of a scan is not to be recorded, by `SUPPRESSING_RULES`."""
        self.scanned += sum(suppressed)
        for rule, count in enumerate(suppressed):
            self.suppressed[rule] += count

    def record(self, readings: int) -> None:
        """Count readings that are recorded now; the account then holds for the record that they are in."""
        self.scanned += readings
        self.recorded += readings

    def refuse(self, readings: int) -> None:
        """Count readings that were to be recorded and that the log could not take."""
        self.recorded -= readings
        self.refused += readings

    def counters(self) -> Counters:
        """Return what a DATA record carries."""
        return Counters(scanned=self.scanned, recorded=self.recorded, suppressed=tuple(self.suppressed))

    def totals(self) -> Totals:
        """Return what became of the readings of this run."""
        return Totals.of(self.counters())

    def ever(self) -> Totals:
        """Return what became of all readings since the log began."""
        return self.before.plus(self.totals())
