"""First-out: which alarm of a group came first, as far as the samples can tell.

A group's episode begins with the first of its alarms and ends when none is active any more. Order is that of
the onsets, not of the declarations, whose delays differ. An onset lies between two samples, so the time from
the first-out to another alarm is an interval; where it begins at 0, the order of the two is not known. That
is told of the later one, and of one that is declared later and takes the lead from another. An alarm that is
withheld takes part once it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from filters.event import Figures
from filters.layout import LONG_AGO
from filters.sight import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The first-out of an episode, and its onset: after one sample, at or before the next."""

    rule: str
    after_ns: int
    onset_ns: int

    @property
    def change(self) -> Change:
        """Its onset as a change between two samples."""
        return Change(self.after_ns, self.onset_ns, self.onset_ns)

    def moved(self, by_ns: int) -> First:
        """Return it on a clock that reads `by_ns` more."""
        change = self.change.moved(by_ns)
        return First(rule=self.rule, after_ns=change.after_ns, onset_ns=change.onset_ns)


@dataclass(slots=True)
class FirstOut:
    """The episodes of all groups that are going on: the first-out and the active alarms, by group."""

    firsts: dict[str, First] = field(default_factory=dict)
    _active: dict[str, set[str]] = field(default_factory=dict)

    def rise(self, group: str, rule: str, after_ns: int, onset_ns: int) -> Figures:
        """Take an alarm into its group's episode; return what its event says of that."""
        found = First(rule=rule, after_ns=after_ns, onset_ns=onset_ns)
        self._active.setdefault(group, set()).add(rule)
        first = self.firsts.get(group, found)
        leads = onset_ns < first.onset_ns
        self.firsts[group] = found if leads else first
        figures: Figures = {"group": group, "first_out": self.firsts[group].rule}
        if after_ns != LONG_AGO:
            figures["sample_ms"] = (onset_ns - after_ns) / 1e6
        if leads:
            return figures | {"instead_of": first.rule} | _apart("ahead", found, first)
        return figures if first.rule == rule else figures | _apart("after_first", first, found)

    def fall(self, group: str, rule: str) -> None:
        """Take note that an alarm is no longer active; the last one ends the episode."""
        active = self._active.get(group, set())
        active.discard(rule)
        if not active:
            self._active.pop(group, None)
            self.firsts.pop(group, None)

    def resume(self, group: str, rule: str, first: First | None) -> None:
        """Take up an alarm that was active before a restart, in an episode whose first-out was `first`."""
        self._active.setdefault(group, set()).add(rule)
        if first is not None:
            self.firsts[group] = first


def _apart(what: str, first: First, later: First) -> Figures:
    elapsed = first.change.until(later.change)
    figures: Figures = {f"{what}_min_ms": elapsed.min_ns / 1e6}
    if elapsed.max_ns is not None:
        figures[f"{what}_max_ms"] = elapsed.max_ns / 1e6
    return figures
