"""The engine: condition, judge and report, over one process image.

Pure: it has no clock, no task and no file. The same calls in the same order give the same events. One thread
calls it: for every scan `condition`, `judge` and `report`, and `judge` again at the instant that it returned.
"""

from __future__ import annotations

import heapq
from typing import Final

import numpy as np

from config.plant import Plant, ScanGroup
from filters.alarm import ActiveAlarm
from filters.alarm_rules import alarm_rules, suppressors
from filters.alarms import Alarms
from filters.backlog import Backlog
from filters.comparisons import Comparisons
from filters.condition import Conditioner
from filters.event import Event
from filters.expression_rules import expression_rules, expression_suppressors
from filters.image import Image
from filters.interlock import interlock_comparisons, watched_keys
from filters.judge import Judge
from filters.kernels import Kernels
from filters.layout import GROUP, NEVER, Float64s, Records, Uint32s
from filters.maintenance import Maintenance
from filters.report import Report, Reporter
from filters.series.series import Series
from filters.snapshot import VERSION, Snapshot, dump, load, state_lost
from filters.witnesses import InterlockStatus, Witnesses

EVENTS_AT_ONCE: Final = 25
"""As many as are recorded within a few milliseconds; whoever else waits for the loop comes between."""


class Engine:
    """Everything that is computed on the scans of one plant.

    `image`: what is known of every tag now. `twins`: the work is done by plain Python, which is slower.
    `maintenance`: what is being worked on. `annunciator`: the alarms, which people may shelve and
    acknowledge. `witnesses`: those of the interlocks, which people may mute.
    """

    def __init__(self, plant: Plant, kernels: Kernels) -> None:
        self.image = Image.blank(len(plant.signals))
        self.twins = kernels.twins
        self.maintenance = Maintenance(plant)
        rules = alarm_rules(plant) + expression_rules(plant)
        silencing = suppressors(plant) + expression_suppressors(plant)
        wanted = [rule.comparison for rule in rules] + silencing + interlock_comparisons(plant)
        watched = watched_keys(plant) | {row.key for row in silencing}
        self._comparisons = Comparisons(plant, wanted, watched, kernels)
        cadence_ns = plant.description.gateway.alarm_repeat
        devices = [tag.device for tag in plant.signals]
        self.annunciator = Alarms(
            rules, self._comparisons, self.image, self.maintenance.flags, devices, cadence_ns
        )
        self.witnesses = Witnesses(plant, self._comparisons, self.image, self.maintenance.flags)
        series = Series(plant, kernels)
        self._scan_groups = len(plant.groups)
        self._groups = kernels.lay(_groups(plant, self._comparisons, series))
        self._conditioner = Conditioner(plant, self.image, self._groups, kernels)
        self._reporter = Reporter(plant, self.image, self._groups, kernels)
        self._judge = Judge(self._comparisons, series, self.image, self._groups, kernels)
        self._started = False
        self._now_ns = 0
        self._unjudged: set[int] = set()
        self._due_ns = NEVER
        self._backlog = Backlog()
        self._kept = b""

    def condition(
        self,
        group: ScanGroup,
        raw: Float64s,
        quality: Uint32s,
        boot_ns: int,
        arrived_boot_ns: int | None = None,
    ) -> None:
        """Take one scan of a group, begun at `boot_ns`, into the image.

        What had to be judged before this scan is judged first, on what was known then; the events come with
        the next `judge`. The scan is current for the stale time from when it arrived, for it may have taken
        longer than that; it is taken to have arrived at once where that is not given.
        """
        if not self._started:
            self._start(boot_ns)
        if boot_ns >= self._next_ns or group.number in self._unjudged:
            self._settle(boot_ns)
        self._conditioner.condition(group, raw, self.maintenance.flagged(group, quality), boot_ns)
        if arrived_boot_ns is not None:
            row = self._groups[group.number]
            row["stale_at_ns"] = max(arrived_boot_ns, boot_ns) + row["stale_after_ns"]
        self._unjudged.add(group.number)

    def judge(self, now_boot_ns: int, *, at_most: int = EVENTS_AT_ONCE) -> tuple[list[Event], int]:
        """Return what became true by `now_boot_ns` in the order in which it did, and when to judge next.

        What an interlock's witness says keeps its own order, whatever it is dated back to: a demand since the
        end of a bypass comes after the end of the demand before.
        No more than `at_most` events: where more wait, the next judgement is due at once. 2**63 - 1: nothing
        is due before the next scan.
        """
        if not self._started:
            self._start(now_boot_ns)
        self._now_ns = now_boot_ns
        if self._unjudged or self._next_ns <= now_boot_ns:
            self._settle(now_boot_ns)
        if not self._backlog:
            self._backlog.add(self.annunciator.by_time(now_boot_ns))
        events = self._backlog.take(at_most)
        return events, now_boot_ns if self._backlog else min(self._next_ns, self.annunciator.due_ns)

    def report(self, group: ScanGroup, boot_ns: int) -> Report:
        """Choose what of the group's newest scan, begun at `boot_ns`, is to be recorded."""
        return self._reporter.report(group, boot_ns)

    @property
    def settled(self) -> bool:
        """Everything that was found is handed out."""
        return not self._backlog

    def state(self) -> bytes:
        """Return what must be remembered across a restart; opaque.

        While events wait to be handed out it is what it was before them, so that none of them is lost with
        the process: they are found again.
        """
        if not self._backlog:
            self._keep()
        return self._kept

    def _keep(self) -> None:
        self._kept = dump(self._snapshot(), self.annunciator.save())

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            version=VERSION,
            now_ns=self._now_ns,
            comparisons=self._comparisons.save(),
            firsts=self.annunciator.save_firsts(),
            nuisance=self.annunciator.nuisance.save(),
            shelves=self.annunciator.shelves.save(),
            interlocks=self.witnesses.save(),
            mutes=self.witnesses.mutes.save(),
            maintenance=self.maintenance.holds.save(),
        )

    def restore(
        self,
        state: bytes,
        now_boot_ns: int,
        *,
        same_boot: bool = False,
        ended_boot_ns: int = 0,
        away_ns: int = 0,
    ) -> list[Event]:
        """Take up the state of an earlier run before the first scan; return what became true by the restart.

        `same_boot`: its times are of this boot. Otherwise they are taken as ages: of `ended_boot_ns`, by the
        clock of that boot, if the run went on until then after its state was kept, plus the `away_ns` between
        the boots that somebody vouches for. State that cannot be read, or that another version wrote, is told
        as lost; a rule that has changed starts afresh.
        """
        snapshot = load(state)
        if snapshot is None:
            return [state_lost(now_boot_ns)]
        self._now_ns = now_boot_ns
        by_ns = 0 if same_boot else now_boot_ns - max(snapshot.now_ns, ended_boot_ns) - away_ns
        self.witnesses.mutes.resume(snapshot.mutes, by_ns)
        self.maintenance.resume(snapshot.maintenance, by_ns, now_boot_ns)
        self._comparisons.resume(snapshot.comparisons, by_ns)
        self.annunciator.nuisance.resume(snapshot.nuisance, by_ns)
        self.annunciator.resume_shelves(snapshot.shelves, by_ns, now_boot_ns)
        events = self.annunciator.resume(snapshot.alarms, snapshot.firsts, by_ns, now_boot_ns)
        events += self.witnesses.resume(snapshot.interlocks, by_ns, now_boot_ns)
        return events

    def forget_report(self, group: ScanGroup) -> None:
        """Choose every reading of the group's next scan: what was chosen last could not be kept."""
        self._reporter.forget(group)

    def alarms(self) -> list[ActiveAlarm]:
        """Return the alarms that stand, oldest first."""
        standing = (alarm for alarm in self.annunciator.all() if alarm.state.stands)
        return sorted(standing, key=lambda alarm: alarm.since_boot_ns)

    def interlocks(self) -> list[InterlockStatus]:
        """Return what can be said of every interlock, in the order of the plant."""
        return self.witnesses.statuses()

    def _start(self, boot_ns: int) -> None:
        """Begin the delays of what was never read; keep what was remembered before anything was found."""
        self._started = True
        self._now_ns = boot_ns
        self._keep()
        self.image.since_boot_ns[:] = boot_ns
        for number, group in enumerate(self._groups):
            group["sample_ns"] = boot_ns
            group["touched"] = number < self._scan_groups
            if group["first_renewal"] < group["end_renewal"]:
                group["stale_at_ns"] = boot_ns + group["stale_after_ns"]
        self._due_ns = boot_ns
        self._backlog.add(iter(self.witnesses.begin(boot_ns)))

    @property
    def _next_ns(self) -> int:
        """When the image must be judged next, if no scan comes before."""
        return min(self._due_ns, self.maintenance.holds.due_ns, self.witnesses.mutes.due_ns)

    def _settle(self, now_boot_ns: int) -> None:
        moves, due_ns = self._judge.judge(now_boot_ns)
        self._unjudged.clear()
        in_service = self.maintenance.step(now_boot_ns)
        unmuted = self.witnesses.mutes.step(now_boot_ns)
        told = [*self.witnesses.step(now_boot_ns, moves), unmuted, in_service]
        if len(moves) or any(told):
            self._backlog.add(heapq.merge(self.annunciator.follow(moves), *told, key=_became_true))
        if in_service:
            self._backlog.add(self.annunciator.review(now_boot_ns))
        if in_service or unmuted:
            self._backlog.add(iter(self.witnesses.review(now_boot_ns)))
        self._due_ns = min(due_ns, self.witnesses.due_ns)


def _became_true(event: Event) -> int:
    return event.boot_ns


def _groups(plant: Plant, comparisons: Comparisons, series: Series) -> Records:
    """Return the rows of the scan groups, and behind them those of the virtual groups."""
    groups = np.concatenate([_scan_groups(plant, series), series.groups()])
    groups["first_comparison"] = np.searchsorted(comparisons.tag_of, groups["first_tag"])
    groups["end_comparison"] = np.searchsorted(comparisons.tag_of, groups["end_tag"])
    for field in ("expected_ns", "stale_at_ns", "due_ns"):
        groups[field] = NEVER
    return groups


def _scan_groups(plant: Plant, series: Series) -> Records:
    groups: Records = np.zeros(len(plant.groups), GROUP)
    groups["first_tag"] = [group.first for group in plant.groups]
    groups["end_tag"] = [group.first + group.count for group in plant.groups]
    groups["first_renewal"], groups["end_renewal"] = series.places.T
    groups["period_ns"] = [plant.scan_class_of(group).period for group in plant.groups]
    groups["stale_after_ns"] = [plant.scan_class_of(group).stale_ns for group in plant.groups]
    return groups
