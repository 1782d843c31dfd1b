"""Why an alarm is kept but not told as one: out of service, shelved, or suppressed by design (ISA-18.2)."""

from __future__ import annotations

from collections.abc import Mapping

from config.vocabulary import Withheld
from filters.alarm_rules import AlarmRule
from filters.comparisons import Comparisons
from filters.holds import Holds
from filters.layout import Uint32s
from filters.sight import Sight


class Withholding:
    """Knows, for every alarm by the row of its comparison, whether it is withheld now.

    A suppressing condition that cannot be read suppresses nothing: unknown is not safe. But one that was true
    when it was last read goes on until an alarm tells that it cannot be read, if there is such an alarm: one
    lost reading says nothing of the process.
    """

    def __init__(
        self, rules: Mapping[int, AlarmRule], comparisons: Comparisons, flags: Uint32s, shelves: Holds
    ) -> None:
        self._rules = rules
        self._tag_of = comparisons.tag_of
        self._flags = flags
        self._shelves = shelves
        keys = {rule.suppressed_by for rule in rules.values() if rule.suppressed_by}
        self._sights = {key: Sight(comparisons, key) for key in keys}
        self._sensors = {name: Sight(comparisons, name) for rule in rules.values() for name in rule.unless}
        self.rows = frozenset(sight.row for sight in (*self._sights.values(), *self._sensors.values()))
        """The comparisons on which it hangs whether alarms are suppressed."""

    def reason(self, row: int) -> Withheld | None:
        """Return why an alarm is withheld; None: it is told."""
        rule = self._rules[row]
        if self._flags[self._tag_of[row]]:
            return Withheld.MAINTENANCE
        if rule.name in self._shelves:
            return Withheld.SHELVED
        if not rule.suppressed_by:
            return None
        return Withheld.SUPPRESSED if self._suppresses(rule) else None

    def _suppresses(self, rule: AlarmRule) -> bool:
        condition = self._sights[rule.suppressed_by]
        if not condition.bad:
            return condition.true
        sensors = [self._sensors[name] for name in rule.unless]
        about_to_tell = any(sensor.stirring for sensor in sensors)
        return condition.true and about_to_tell and not any(sensor.true for sensor in sensors)
