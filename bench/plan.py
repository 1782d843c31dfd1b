"""How long and how often a bench runs, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.measure import Run
from bench.subject import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Durations of a bench. `subject`: what is measured; the bare loop in its place tries the bench."""

    subject: Name = "agent"
    repeats: int = 2
    warm_up_s: float = 5.0
    window_s: float = 20.0
    step_s: float = 8.0
    outage_s: float = 60.0
    drain_hours: float = 72.0
    southbound_s: float = 60.0
    growth_s: float = 1_800.0


QUICK = Plan(
    repeats=1,
    warm_up_s=2.0,
    window_s=6.0,
    step_s=4.0,
    outage_s=8.0,
    drain_hours=1.0,
    southbound_s=6.0,
    growth_s=60.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure with the limit that it must keep; exactly one limit is given."""

    name: str
    found: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        """Whether the limit is kept; a figure that is not a number keeps none."""
        if self.at_most is not None:
            return self.found <= self.at_most
        return self.at_least is not None and self.found >= self.at_least


Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one bench found: its runs in order, and the figures that have targets.

    `rows`: a table of the bench's own, by column, where a run is not what it is about.
    """

    bench: str
    runs: list[Run] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
