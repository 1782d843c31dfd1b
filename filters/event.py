"""What the judge finds: one event, with the values that made it and the scan they came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from config.vocabulary import EventKind, Priority, QualityClass, Withheld, class_of

Figures = dict[str, float | int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reading that an event rests on, as it stood in the image. Times are CLOCK_BOOTTIME."""

    tag: int
    raw: float
    value: float
    quality: int
    boot_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One finding.

    `rule` names what found it: `<tag>.HH`, `<tag>.bad`, or an interlock's name. `boot_ns` is when it became
    true, `scan_boot_ns` the start of the scan that showed it (equal to `boot_ns` where a delay expired
    between scans). `figures` holds the rule's own numbers with their unit in the name (limit, elapsed_min_ms,
    elapsed_max_ms, budget_ms, ...). `withheld`: why it is not to be told as an alarm; None: it is.
    `response`: what is to be done; `basis`: the regulation or drawing that asks for the rule.
    """

    kind: EventKind
    rule: str
    priority: Priority
    boot_ns: int
    scan_boot_ns: int
    evidence: tuple[Evidence, ...] = ()
    figures: Figures = field(default_factory=dict)
    withheld: Withheld | None = None
    response: str = ""
    basis: str = ""


def trust_figures(evidence: tuple[Evidence, ...]) -> Figures:
    """Return what an event must say of its evidence's quality: `uncertain` = 1 where one is Uncertain."""
    uncertain = any(class_of(seen.quality) is QualityClass.UNCERTAIN for seen in evidence)
    return {"uncertain": 1} if uncertain else {}
