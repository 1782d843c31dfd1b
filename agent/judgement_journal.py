"""What the judge finds, as lines of the program's own log: who follows it sees the alarms, too."""

from __future__ import annotations

from typing import Final

from agent import journal
from agent.dictionary import Dictionary
from agent.sentences import sentence
from config.text import text
from config.units import S
from config.vocabulary import EventKind, Priority
from filters.event import Event

MOST_LINES: Final = 20
WITHIN_NS: Final = 60 * S

_TOLD: Final = frozenset(
    (
        EventKind.ALARM_RAISED,
        EventKind.ALARM_CLEARED,
        EventKind.ALARM_FLOOD,
        EventKind.ALARM_FLOOD_ENDED,
        EventKind.INTERLOCK_DEMAND,
        EventKind.INTERLOCK_PROVEN,
        EventKind.INTERLOCK_FAILED,
        EventKind.INTERLOCK_INDETERMINATE,
        EventKind.INTERLOCK_SPURIOUS,
        EventKind.INTERLOCK_UNKNOWN,
        EventKind.INTERLOCK_BYPASSED,
        EventKind.INTERLOCK_BYPASS_ENDED,
        EventKind.INTERLOCK_NOT_READY,
        EventKind.INTERLOCK_READY,
        EventKind.DEMAND_INTERRUPTED,
    )
)
_GOOD_NEWS: Final = frozenset(
    (
        EventKind.ALARM_CLEARED,
        EventKind.ALARM_FLOOD_ENDED,
        EventKind.INTERLOCK_PROVEN,
        EventKind.INTERLOCK_BYPASS_ENDED,
        EventKind.INTERLOCK_READY,
    )
)


class JudgementJournal:
    """Writes a line for a finding.

    In a flood only the first `MOST_LINES` within `WITHIN_NS`, and every interlock that failed. What somebody
    has withheld (shelved, muted, in maintenance) is not told here either.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._begun_ns = -WITHIN_NS
        self._written = 0
        self._kept_back = 0

    def tell(self, event: Event, now_ns: int) -> None:
        """Write one finding, if it is one for this log and there is room."""
        if event.kind not in _TOLD or event.withheld is not None:
            return
        if now_ns - self._begun_ns >= WITHIN_NS:
            self._begin(now_ns)
        self._written += 1
        if self._written <= MOST_LINES or event.kind is EventKind.INTERLOCK_FAILED:
            self._write(event)
            return
        if not self._kept_back:
            journal.warn(text("too many findings to write here; fengsui alarms and the log have them all"))
        self._kept_back += 1

    def _begin(self, now_ns: int) -> None:
        if self._kept_back:
            journal.warn(text("findings were not written here"), count=self._kept_back)
        self._begun_ns, self._written, self._kept_back = now_ns, 0, 0

    def _write(self, event: Event) -> None:
        words = sentence(event, self._dictionary)
        if event.kind in _GOOD_NEWS:
            journal.info(words)
        elif event.priority is Priority.CRITICAL:
            journal.error(words)
        else:
            journal.warn(words)
