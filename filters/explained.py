"""Alarms of expressions that cannot be computed, where other alarms say all that they could say.

A rule is Bad while an input is. Where every such input is told, by its own `.bad` alarm or by one of the same
device that is Bad for the same reason, and no less urgent, the rule's is held back: a lost device would else
raise one for each rule. It is looked at again as often as the rule may be Bad unsaid, and raised once that is
no longer so. While the rule can be computed again and only its off-delay runs, there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from config.units import S
from config.vocabulary import CLASS_SHIFT, REASON_MASK, REASON_SHIFT, Priority, QualityClass
from filters.alarm_rules import AlarmRule
from filters.comparisons import Comparisons
from filters.layout import NEVER, Int64s, Uint32s
from filters.machine import BAD_FLOOR, IS_BAD, NORMAL

_SAME: Final = np.uint32(QualityClass.BAD << CLASS_SHIFT | REASON_MASK << REASON_SHIFT)
_LOOK_AT_LEAST_NS: Final = 1 * S
_URGENCY: Final = tuple(Priority)


class Explained:
    """The alarms that are held back, by the rows of their comparisons.

    `stands`: tells whether the alarm of a row does. `quality`, `devices`: by tag number.
    """

    def __init__(
        self,
        rules: Mapping[int, AlarmRule],
        comparisons: Comparisons,
        quality: Uint32s,
        devices: Sequence[str],
        stands: Callable[[int], bool],
    ) -> None:
        self._states = comparisons.states
        self._tag_of = comparisons.tag_of
        self._quality = quality
        self._devices = devices
        self._stands = stands
        self._rules = {row: rule for row, rule in rules.items() if rule.comparison.test == IS_BAD}
        self._look_ns: dict[int, int] = {}
        self._tellers = _by_device(self._rules, comparisons.tag_of, devices)

    @property
    def due_ns(self) -> int:
        """When to look again whether something is to be raised after all."""
        return min(self._look_ns.values(), default=NEVER)

    def holds_back(self, row: int, at_ns: int) -> bool:
        """Tell whether an alarm that rises now says nothing new; it is held back then."""
        rule = self._rules.get(row)
        if rule is None or not self._is_told(rule):
            return False
        self._look_later(row, at_ns)
        return True

    def echoes(self, row: int) -> bool:
        """Tell whether an alarm that rises now only says once more what another says of the same device."""
        rule = self._rules.get(row)
        if rule is None or rule.inputs:
            return False
        alike = self._alike(self._tag_of[row])[:, 1]
        return any(other != row and self._stands(other) for other in map(int, alike))

    def forget(self, row: int) -> bool:
        """Let go of an alarm whose condition is over; tell whether it was held back."""
        return self._look_ns.pop(row, None) is not None

    def step(self, now_ns: int) -> Iterator[int]:
        """Yield the rows of what must be raised now."""
        for row in [row for row, look_ns in self._look_ns.items() if look_ns <= now_ns]:
            if int(self._quality[self._tag_of[row]]) < BAD_FLOOR:
                self._look_later(row, now_ns)
            elif not self.holds_back(row, now_ns):
                del self._look_ns[row]
                yield row

    def _look_later(self, row: int, now_ns: int) -> None:
        on_delay_ns = self._rules[row].comparison.on_delay_ns
        self._look_ns[row] = now_ns + max(on_delay_ns, _LOOK_AT_LEAST_NS)

    def _is_told(self, rule: AlarmRule) -> bool:
        unreadable = [tag for tag in rule.inputs if int(self._quality[tag]) >= BAD_FLOOR]
        rank = _rank(rule)
        return bool(unreadable) and all(self._tells(tag, rank) for tag in unreadable)

    def _tells(self, tag: int, rank: int) -> bool:
        """Tell whether an alarm says why this tag, or another of its device, is Bad, or is about to."""
        tellers = self._alike(tag)
        return any(self._says(row) for row in map(int, tellers[tellers[:, 2] <= rank, 1]))

    def _alike(self, tag: int) -> Int64s:
        """Return the tellers (`_by_device`) of what is Bad for the same reason as a tag of that device."""
        tellers = self._tellers[self._devices[tag]]
        alike: Int64s = tellers[(self._quality[tellers[:, 0]] & _SAME) == (self._quality[tag] & _SAME)]
        return alike

    def _says(self, row: int) -> bool:
        return self._stands(row) if self._rules[row].inputs else self._states[row]["phase"] != NORMAL


def _by_device(
    rules: Mapping[int, AlarmRule], tag_of: Sequence[int], devices: Sequence[str]
) -> dict[str, Int64s]:
    """Return for every device int64[k, 3]: a tag of it, the row of an alarm that tells of it, its rank."""
    found: dict[str, list[tuple[int, int, int]]] = {device: [] for device in devices}
    for row, rule in rules.items():
        for tag in rule.inputs or (tag_of[row],):
            found[devices[tag]].append((tag, row, _rank(rule)))
    return {device: np.array(rows, np.int64).reshape(-1, 3) for device, rows in found.items()}


def _rank(rule: AlarmRule) -> int:
    return _URGENCY.index(rule.comparison.tag.priority)
