"""Which windows are open, and what of them is recorded next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.blackbox.body import Window, most_scans, pack_window
from agent.blackbox.ring import Ring, Scans
from agent.blackbox.scope import depths_of, groups_of_signals, inputs_of_interlocks, reach_of
from agent.clock import Clock, Timer
from agent.dictionary import Dictionary
from buffer.log import Log
from config.plant import Plant, ScanGroup
from config.turns import Pieces, at_once
from config.units import MS, S
from config.vocabulary import EventKind, Priority, RecordKind, Stream
from filters.event import Event
from filters.image import Image

_INTERLOCK: Final = frozenset(
    (EventKind.INTERLOCK_DEMAND, EventKind.INTERLOCK_FAILED, EventKind.INTERLOCK_SPURIOUS)
)
_RANKS: Final = {priority: rank for rank, priority in enumerate(Priority)}
_TAGS_PER_BODY: Final = 1000
_WAITS_AT_MOST_NS: Final = 2 * S
"""So old may a scan of an open window become before it is recorded: what a kill or a power cut may take."""
_PACE_NS: Final = 2 * MS
_NO_ROOM_NS: Final = 50 * MS
_DONE: Final = object()
_LONGEST_NS: Final = 600 * S
"""How long after the event that opened it a window ends, whatever else happens meanwhile."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """A window of one group; its scans are told by their numbers.

    `next`: the first that is not recorded yet; `ripe`: up to here (exclusive) they are to be recorded now.
    """

    rule: str
    event_boot_ns: int
    until_boot_ns: int
    last_boot_ns: int
    next: int
    ripe: int


class Recorder:
    """Keeps the last scans of every group, and records those around an event as they were.

    An event opens a window in every group that it concerns, or prolongs the one that is open. What was before
    it is recorded at once, what follows every few seconds: a few bodies at a time in turns of the event loop
    of their own, and only where the log has room, for readings go before. Scans that a ring has given up
    meanwhile are a loss, counted by the log and in `lost_scans`.
    """

    def __init__(self, plant: Plant, image: Image, dictionary: Dictionary, log: Log, clock: Clock) -> None:
        self.lost_scans = 0
        self._groups = plant.groups
        self._settings = plant.description.black_box
        self._image = image
        self._dictionary = dictionary
        self._log = log
        self._clock = clock
        self._depths = depths_of(plant, self._settings)
        self._rings = [Ring(group.first, group.count, self._depths[group.number]) for group in plant.groups]
        self._periods_ns = [plant.scan_class_of(group).period for group in plant.groups]
        self._open: dict[int, _Open] = {}
        self._ripe: deque[int] = deque()
        self._timer: Timer | None = None
        self._writing: tuple[int, Pieces] | None = None
        self._groups_of = groups_of_signals(plant)
        self._inputs_of = inputs_of_interlocks(plant)

    def keep(self, group: ScanGroup, boot_ns: int) -> None:
        """Keep the group's newest scan, begun at `boot_ns`."""
        ring, image, span = self._rings[group.number], self._image, group.span
        ring.keep(boot_ns, image.raw[span], image.value[span], image.quality[span])
        window = self._open.get(group.number)
        if window is None:
            return
        if boot_ns >= window.until_boot_ns or self._is_ripe(group, window, boot_ns):
            self._ripen(group.number, window)

    def trigger(self, events: Iterable[Event]) -> None:
        """Open the windows that these events ask for."""
        for event in events:
            if self._asks(event):
                for number in self._concerned(event):
                    self._begin(number, event)

    def close(self) -> None:
        """Record what open windows have so far; they end here."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            at_once(self._writing[1])
        for number, window in self._open.items():
            self._finish(number, window)
        self._open.clear()
        self._ripe.clear()

    def _asks(self, event: Event) -> bool:
        if event.kind is EventKind.ALARM_RAISED:
            return _RANKS[event.priority] <= _RANKS[self._settings.priority]
        return event.kind in _INTERLOCK

    def _concerned(self, event: Event) -> set[int]:
        signals = {evidence.tag for evidence in event.evidence} | self._inputs_of.get(event.rule, set())
        return {number for signal in signals for number in self._groups_of[signal]}

    def _begin(self, number: int, event: Event) -> None:
        until_ns = event.boot_ns + self._settings.after
        window = self._open.get(number)
        if window is not None and until_ns <= window.last_boot_ns:
            window.until_boot_ns = max(window.until_boot_ns, until_ns)
            return
        if window is not None:
            self._finish(number, window)
        ring = self._rings[number]
        begins_ns = _onset_ns(event) - self._settings.before
        self._open[number] = window = _Open(
            rule=event.rule,
            event_boot_ns=event.boot_ns,
            until_boot_ns=until_ns,
            last_boot_ns=event.boot_ns + max(_LONGEST_NS, self._settings.after),
            next=max(ring.since(begins_ns), ring.end - reach_of(self._depths[number])),
            ripe=0,
        )
        self._ripen(number, window)

    def _is_ripe(self, group: ScanGroup, window: _Open, boot_ns: int) -> bool:
        """Tell whether scans wait that make a body, take up the ring's spare room, or soon are old."""
        ring, depth = self._rings[group.number], self._depths[group.number]
        waiting = ring.end - window.next
        age_ns = boot_ns + self._periods_ns[group.number] - ring.boot_ns(window.next)
        return waiting >= min(_scans_per_body(group), depth - reach_of(depth)) or age_ns > _WAITS_AT_MOST_NS

    def _ripen(self, number: int, window: _Open) -> None:
        """Have everything recorded that the ring holds of a window."""
        window.ripe = self._rings[number].end
        if number not in self._ripe:
            self._ripe.append(number)
        if self._timer is None:
            self._come_back(0)

    def _come_back(self, in_ns: int) -> None:
        self._timer = self._clock.call_at(self._clock.boot_ns() + in_ns, self._turn)

    def _turn(self) -> None:
        """Record a body of the window that has waited longest."""
        self._timer = None
        if not self._log.has_room(Stream.READINGS):
            self._come_back(_NO_ROOM_NS)
            return
        if self._writing is None:
            number = self._ripe.popleft()
            self._writing = number, self._write(number, self._open[number])
        number, pieces = self._writing
        if next(pieces, _DONE) is _DONE:
            self._writing = None
            self._rest(number)
        if self._ripe or self._writing is not None:
            self._come_back(_PACE_NS)

    def _rest(self, number: int) -> None:
        """Have the rest of a window come in its turn, or end it."""
        window = self._open[number]
        if number in self._ripe:
            return
        if window.next < window.ripe:
            self._ripe.append(number)
        elif self._is_over(number, window):
            del self._open[number]

    def _is_over(self, number: int, window: _Open) -> bool:
        ring = self._rings[number]
        return window.next == ring.end and ring.boot_ns(ring.end - 1) >= window.until_boot_ns

    def _finish(self, number: int, window: _Open) -> None:
        window.ripe = self._rings[number].end
        while window.next < window.ripe:
            at_once(self._write(number, window))

    def _write(self, number: int, window: _Open) -> Pieces:
        """Record what fits into one body for each stretch of tags, a body in each piece."""
        group, ring = self._groups[number], self._rings[number]
        self._forgo(ring, window)
        begin, end = window.next, min(window.ripe, window.next + _scans_per_body(group))
        window.next = end
        for start in range(0, group.count if end > begin else 0, _TAGS_PER_BODY):
            tags = slice(start, min(start + _TAGS_PER_BODY, group.count))
            scans: Scans = ring.scans(begin, end - 1, tags)
            piece = Window(rule=window.rule, event_boot_ns=window.event_boot_ns, scans=scans)
            self._log.append(
                Stream.READINGS,
                RecordKind.WINDOW,
                pack_window(piece, self._dictionary),
                first_boot_ns=int(scans.boot_ns[0]),
                last_boot_ns=int(scans.boot_ns[-1]),
            )
            yield

    def _forgo(self, ring: Ring, window: _Open) -> None:
        """Count the scans that the ring no longer has as lost."""
        lost = min(ring.begin, window.ripe) - window.next
        if lost > 0:
            self.lost_scans += lost
            window.next += lost
            self._log.forgo(Stream.READINGS)


def _onset_ns(event: Event) -> int:
    """Return when what an event tells of began."""
    return min(event.boot_ns, int(event.figures.get("onset_boot_ns", event.boot_ns)))


def _scans_per_body(group: ScanGroup) -> int:
    return most_scans(min(group.count, _TAGS_PER_BODY))
