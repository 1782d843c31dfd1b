"""Alarms in their lives: what the comparisons, time and people do to them, and the events of that.

Every event is made when it is taken: a flood of alarms is handed out piece by piece, in order, and what is
kept across a restart is as far as that has got.

An alarm that is raised while it is withheld is kept as an event that says so, and told as an alarm once
nothing withholds it any more, if it still stands then. The end of an alarm that was told is told. What may
have ceased to withhold an alarm while nobody ran is looked at shortly after the restart, once all was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from config.units import S
from config.vocabulary import EventKind, Priority, Withheld
from filters.alarm import ActiveAlarm, Alarm, SavedAlarm
from filters.alarm_rules import AlarmRule
from filters.announcer import announce, over_by_change
from filters.comparisons import Comparisons
from filters.event import Event, Evidence, Figures
from filters.explained import Explained
from filters.first_out import First, FirstOut
from filters.holds import Hold, Holds
from filters.image import Image, rows_of
from filters.layout import NEVER, Bools, Int64s, Uint32s
from filters.lifecycle import AlarmState, Input, step
from filters.machine import CLEARED, RAISED
from filters.nuisance import Nuisance
from filters.repeats import Repeats
from filters.withholding import Withholding

_URGENCY: Final = tuple(Priority)
_READ_BY_NS: Final = 10 * S
"""So long after a restart, what suppresses an alarm by design has been read, or cannot be."""


class Alarms:
    """The alarms of a plant, by the rows of their comparisons; `alarms` holds those that are not normal.

    `shelves`: the alarms that people have set aside, by name. `flags`: what readings are marked with, by tag;
    an alarm on a marked one is out of service. `devices`: by tag, whose it is. `repeat_ns`: the cadence at
    which what stands is told again.
    """

    def __init__(
        self,
        rules: list[AlarmRule],
        comparisons: Comparisons,
        image: Image,
        flags: Uint32s,
        devices: Sequence[str],
        repeat_ns: int | None,
    ) -> None:
        self.shelves = Holds(EventKind.ALARM_SHELF_ENDED)
        self.nuisance = Nuisance()
        self.alarms: dict[int, Alarm] = {}
        self._comparisons = comparisons
        self._image = image
        self._rules = {comparisons.number_of[rule.name]: rule for rule in rules}
        self._withholding = Withholding(self._rules, comparisons, flags, self.shelves)
        self._explained = Explained(self._rules, comparisons, image.quality, devices, self._stands)
        self._first_out = FirstOut()
        self._repeats = Repeats(repeat_ns)
        self._review_ns = NEVER
        self._reset: list[Event] = []
        self._saved: bytes | None = None
        self._ranks = {row: _URGENCY.index(rule.comparison.tag.priority) for row, rule in self._rules.items()}
        self._tags: Int64s = np.array(comparisons.tag_of, dtype=np.int64)
        self._heard: Bools = np.zeros(len(comparisons.rows), dtype=np.bool_)
        self._heard[[*self._rules, *self._withholding.rows]] = True

    @property
    def names(self) -> list[str]:
        """The names of all alarms, in order of their tags."""
        return [rule.name for rule in self._rules.values()]

    @property
    def present(self) -> list[str]:
        """The names of the alarms that are not normal."""
        return [self._rules[row].name for row in self.alarms]

    @property
    def due_ns(self) -> int:
        """When time alone changes something next."""
        own_ns = min(self._review_ns, self._explained.due_ns)
        return min(own_ns, self.shelves.due_ns, self.nuisance.due_ns, self._repeats.due_ns)

    def follow(self, moves: Int64s) -> Iterator[Event]:
        """Return the events of these moves (`filters.judge`), each with its reading as it stands now."""
        heard = moves[self._heard[moves[:, 0]]]
        heard = heard[np.argsort(heard[:, 2], kind="stable")]
        return self._follow(heard, self._image.all_evidence(self._tags[heard[:, 0]]))

    def by_time(self, now_ns: int) -> Iterator[Event]:
        """Return what people and time alone have brought by `now_ns`: resets, ends, repetitions."""
        reset, self._reset = self._reset, []
        yield from reset
        for row in self._explained.step(now_ns):
            onset_ns, before_ns = self._comparisons.risen(row)
            seen = self._image.evidence(self._comparisons.tag_of[row])
            yield from self._rise(row, now_ns, Alarm.raised(now_ns, onset_ns, before_ns), seen)
        unshelved = self.shelves.step(now_ns)
        yield from unshelved
        if unshelved or self._review_ns <= now_ns:
            self._review_ns = NEVER
            yield from self.review(now_ns)
        yield from self.nuisance.step(now_ns)
        for row in self._repeats.take(now_ns):
            alarm = self.alarms.get(row)
            if alarm is None or alarm.repeat_ns > now_ns or not alarm.state.stands:
                continue
            at_ns, alarm.repeat_ns = alarm.repeat_ns, self._repeats.next_ns(row, alarm.repeat_ns, now_ns)
            if alarm.withheld is None and self._withholding.reason(row) is None:
                yield self._repeat(row, alarm, at_ns, "cadence")

    def review(self, now_ns: int) -> Iterator[Event]:
        """Tell alarms that were raised while they were withheld, where nothing withholds them any more."""
        withheld = [row for row, alarm in self.alarms.items() if alarm.withheld and alarm.state.stands]
        for row in withheld:
            alarm = self.alarms[row]
            if alarm.state.stands and self._withholding.reason(row) is None:
                because = f"no_longer_{alarm.withheld}"
                alarm.tell(None)
                self._keep(row, alarm)
                yield self._repeat(row, alarm, now_ns, because, self._in_group(row, alarm))

    def acknowledge(self, name: str, now_ns: int) -> None:
        """Acknowledge an alarm that is not normal; if that resets it, the next events say so."""
        row = self._comparisons.number_of[name]
        alarm, rule = self.alarms[row], self._rules[row]
        stood = alarm.state.stands
        alarm.state = step(alarm.state, Input.ACKNOWLEDGE, latch=rule.latch)
        if alarm.state is not AlarmState.NORMAL:
            self._keep(row, alarm)
            return
        self._forget(row)
        if stood:
            figures: Figures = {"active_ms": (now_ns - alarm.since_ns) / 1e6, "because": "reset"}
            self._reset.append(self._say(EventKind.ALARM_CLEARED, row, now_ns, figures, alarm.unheard))

    def all(self, first: int = 0) -> Iterator[ActiveAlarm]:
        """Yield the alarms that are not normal, the most urgent first, from the place `first`.

        Each is made when it is taken; those that are over by then are passed over.
        """
        for row in sorted(self.alarms, key=self._ranks.__getitem__)[first:]:
            if row in self.alarms:
                yield self._shown(row, self.alarms[row])

    def standing(self) -> int:
        """Return how many alarms stand."""
        return sum(alarm.state.stands for alarm in self.alarms.values())

    def save(self) -> bytes:
        """Return the alarms that are not normal as the members of a JSON object."""
        if self._saved is None:
            self._saved = b",".join(alarm.kept for alarm in self.alarms.values())
        return self._saved

    def save_firsts(self) -> dict[str, First]:
        """Return the first-out of every group's episode."""
        return dict(self._first_out.firsts)

    def resume_shelves(self, saved: dict[str, Hold], by_ns: int, now_ns: int) -> None:
        """Take up what was set aside, on a clock that reads `by_ns` more; end what is no alarm any more."""
        self.shelves.resume(saved, by_ns)
        self.shelves.end_all_but(set(self.names), now_ns)

    def resume(
        self, saved: dict[str, SavedAlarm], firsts: dict[str, First], by_ns: int, now_ns: int
    ) -> list[Event]:
        """Take up saved alarms, on a clock that reads `by_ns` more; clear those whose rule has changed."""
        events = []
        for name, was in saved.items():
            row = self._comparisons.number_of.get(name, -1)
            alarm = was.alarm(by_ns)
            if row in self._rules and self._comparisons.digest(row) == was.rule:
                self._take_up(row, alarm, firsts, by_ns, now_ns)
            elif was.state.stands:
                events.append(over_by_change(name, was.priority, alarm.since_ns, now_ns, alarm.unheard))
        self._review_ns = now_ns + _READ_BY_NS
        return events

    def _take_up(self, row: int, alarm: Alarm, firsts: dict[str, First], by_ns: int, now_ns: int) -> None:
        rule = self._rules[row]
        self.alarms[row] = alarm
        self._keep(row, alarm)
        if alarm.state.stands:
            alarm.repeat_ns = self._repeats.next_ns(row, now_ns, now_ns)
        if alarm.state.active:
            self._comparisons.stand(row, alarm.since_ns)
            if rule.group and alarm.withheld is None:
                first = firsts.get(rule.group)
                self._first_out.resume(rule.group, rule.name, first and first.moved(by_ns))

    def _follow(self, moves: Int64s, seen: Iterator[Evidence]) -> Iterator[Event]:
        for (row, move, at_ns, onset_ns, before_ns), evidence in zip(rows_of(*moves.T), seen, strict=True):
            if row in self._rules:
                if move == RAISED and not self._explained.holds_back(row, at_ns):
                    yield from self._rise(row, at_ns, Alarm.raised(at_ns, onset_ns, before_ns), evidence)
                elif move == CLEARED and not self._explained.forget(row):
                    yield from self._fall(row, at_ns, evidence)
            if row in self._withholding.rows:
                yield from self.review(at_ns)

    def _rise(self, row: int, at_ns: int, risen: Alarm, seen: Evidence) -> Iterator[Event]:
        rule, alarm = self._rules[row], self.alarms.get(row)
        risen.tell(self._withholding.reason(row))
        if alarm is not None and alarm.state.stands:  # latched: it stood all along
            alarm.state = step(alarm.state, Input.RISE, latch=rule.latch)
            alarm.tell(risen.withheld)
            self._keep(row, alarm)
            yield self._repeat(row, alarm, at_ns, "risen_again", self._in_group(row, risen))
            return
        self.alarms[row] = risen
        self._keep(row, risen)
        risen.repeat_ns = self._repeats.next_ns(row, at_ns, at_ns)
        figures: Figures = {"on_delay_ms": rule.comparison.on_delay_ns / 1e6, "onset_boot_ns": risen.onset_ns}
        figures |= self._in_group(row, risen)
        yield announce(EventKind.ALARM_RAISED, rule, at_ns, seen, figures, risen.withheld, self._others(rule))
        news = risen.withheld is None and not self._explained.echoes(row)
        yield from self.nuisance.raised(rule.name, at_ns, told=news)

    def _fall(self, row: int, at_ns: int, seen: Evidence) -> Iterator[Event]:
        rule, alarm = self._rules[row], self.alarms[row]
        if rule.group:
            self._first_out.fall(rule.group, rule.name)
        alarm.state = step(alarm.state, Input.FALL, latch=rule.latch)
        self._keep(row, alarm)
        if alarm.state is AlarmState.NORMAL:
            self._forget(row)
        kind = EventKind.ALARM_LATCHED if alarm.state.stands else EventKind.ALARM_CLEARED
        figures: Figures = {
            "off_delay_ms": rule.comparison.off_delay_ns / 1e6,
            "active_ms": (at_ns - alarm.since_ns) / 1e6,
        }
        yield announce(kind, rule, at_ns, seen, figures, alarm.unheard, self._others(rule))

    def _in_group(self, row: int, risen: Alarm) -> Figures:
        """Take an alarm that is told and whose condition is true into its group; return what that shows."""
        rule = self._rules[row]
        if not rule.group or risen.withheld is not None or not risen.state.active:
            return {}
        return self._first_out.rise(rule.group, rule.name, risen.before_ns, risen.onset_ns)

    def _repeat(self, row: int, alarm: Alarm, at_ns: int, because: str, more: Figures | None = None) -> Event:
        figures: Figures = {"active_ms": (at_ns - alarm.since_ns) / 1e6, "because": because}
        return self._say(EventKind.ALARM_REPEATED, row, at_ns, figures | (more or {}), alarm.withheld)

    def _say(
        self, kind: EventKind, row: int, at_ns: int, figures: Figures, withheld: Withheld | None
    ) -> Event:
        """Return an event with the alarm's reading as it stands now."""
        seen = self._image.evidence(self._comparisons.tag_of[row])
        rule = self._rules[row]
        return announce(kind, rule, at_ns, seen, figures, withheld, self._others(rule))

    def _stands(self, row: int) -> bool:
        return row in self.alarms and self.alarms[row].state.stands

    def _others(self, rule: AlarmRule) -> tuple[Evidence, ...]:
        """Return what the inputs of an expression show when its event is handed out."""
        return tuple(self._image.evidence(tag) for tag in rule.inputs)

    def _keep(self, row: int, alarm: Alarm) -> None:
        """Note what is to be remembered of an alarm: when it changes, lest all are written down at once."""
        self._saved, rule = None, self._rules[row].comparison
        alarm.kept = SavedAlarm.of(alarm, self._comparisons.digest(row), rule.tag.priority).member(rule.key)

    def _forget(self, row: int) -> None:
        del self.alarms[row]
        self._saved = None

    def _shown(self, row: int, alarm: Alarm) -> ActiveAlarm:
        rule = self._rules[row]
        return ActiveAlarm(
            rule=rule.name,
            tag=self._comparisons.tag_of[row],
            priority=rule.comparison.tag.priority,
            state=alarm.state,
            since_boot_ns=alarm.since_ns,
            onset_boot_ns=alarm.onset_ns,
            withheld=self._withholding.reason(row),
            chatters=self.nuisance.chatters(rule.name),
            response=rule.response,
        )
