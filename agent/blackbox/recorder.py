"""Which windows are open, and what of them is recorded next."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from agent.blackbox.body import Window, most_scans, pack_window
from agent.blackbox.ring import Ring, Scans, ring_bytes
from agent.dictionary import Dictionary
from buffer.log import Log
from config.models import BlackBox
from config.plant import Plant, ScanGroup
from config.rules import Interlock
from config.turns import Pieces, at_once
from config.vocabulary import EventKind, Priority, RecordKind, Stream
from filters.event import Event
from filters.image import Image

_INTERLOCK: Final = frozenset(
    (EventKind.INTERLOCK_DEMAND, EventKind.INTERLOCK_FAILED, EventKind.INTERLOCK_SPURIOUS)
)
_RANKS: Final = {priority: rank for rank, priority in enumerate(Priority)}
_BODIES_PER_SCAN: Final = 4
_TAGS_PER_BODY: Final = 1000


@dataclass(slots=True, kw_only=True)
class _Open:
    """A window of one group. `next`: the number of the first scan that is not recorded yet."""

    rule: str
    event_boot_ns: int
    until_boot_ns: int
    next: int


class Recorder:
    """Keeps the last scans of every group, and records those around an event as they were.

    An event opens a window in every group that it concerns, or prolongs the one that is open. What is due is
    recorded a few bodies at each scan of the group, so that no scan waits for it.
    """

    def __init__(self, plant: Plant, image: Image, dictionary: Dictionary, log: Log) -> None:
        self._groups = plant.groups
        self._settings = plant.description.black_box
        self._image = image
        self._dictionary = dictionary
        self._log = log
        depths = depths_of(plant, self._settings)
        self._rings = [Ring(group.first, group.count, depths[group.number]) for group in plant.groups]
        self._open: dict[int, _Open] = {}
        self._group_of = [group.number for group in plant.groups for _ in range(group.count)]
        self._inputs_of = {interlock.name: _inputs(interlock, plant) for interlock in plant.interlocks}

    def keep(self, group: ScanGroup, boot_ns: int) -> None:
        """Keep the group's newest scan, begun at `boot_ns`."""
        ring, image, span = self._rings[group.number], self._image, group.span
        ring.keep(boot_ns, image.raw[span], image.value[span], image.quality[span])

    def advance(self, group: ScanGroup, boot_ns: int) -> Pieces:
        """Record what is due of a group's window since its scan begun at `boot_ns`, a body in each piece."""
        window = self._open.get(group.number)
        if window is None:
            return
        ring, over = self._rings[group.number], boot_ns >= window.until_boot_ns
        window.next = max(window.next, ring.begin)
        for _ in range(_BODIES_PER_SCAN):
            waiting = ring.end - window.next
            if waiting >= _scans_per_body(group) or (over and waiting):
                yield from self._write(group, ring, window)
        if over and window.next == ring.end:
            del self._open[group.number]

    def trigger(self, events: Iterable[Event]) -> None:
        """Open the windows that these events ask for."""
        for event in events:
            if self._asks(event):
                for number in self._concerned(event):
                    self._begin(number, event)

    def close(self) -> None:
        """Record what open windows have so far; they end here."""
        for number, window in self._open.items():
            ring = self._rings[number]
            window.next = max(window.next, ring.begin)
            while window.next < ring.end:
                at_once(self._write(self._groups[number], ring, window))
        self._open.clear()

    def _asks(self, event: Event) -> bool:
        if event.kind is EventKind.ALARM_RAISED:
            return _RANKS[event.priority] <= _RANKS[self._settings.priority]
        return event.kind in _INTERLOCK

    def _concerned(self, event: Event) -> Collection[int]:
        tags = {evidence.tag for evidence in event.evidence} | self._inputs_of.get(event.rule, set())
        return {self._group_of[tag] for tag in tags if tag < len(self._group_of)}

    def _begin(self, number: int, event: Event) -> None:
        until_ns = event.boot_ns + self._settings.after
        window = self._open.get(number)
        if window is not None:
            window.until_boot_ns = max(window.until_boot_ns, until_ns)
            return
        self._open[number] = _Open(
            rule=event.rule,
            event_boot_ns=event.boot_ns,
            until_boot_ns=until_ns,
            next=self._rings[number].since(event.boot_ns - self._settings.before),
        )

    def _write(self, group: ScanGroup, ring: Ring, window: _Open) -> Pieces:
        """Record what fits into one body for each stretch of tags, a body in each piece."""
        last = min(ring.end - window.next, _scans_per_body(group)) + window.next - 1
        for start in range(0, group.count, _TAGS_PER_BODY):
            tags = slice(start, min(start + _TAGS_PER_BODY, group.count))
            scans: Scans = ring.scans(window.next, last, tags)
            piece = Window(rule=window.rule, event_boot_ns=window.event_boot_ns, scans=scans)
            self._log.append(
                Stream.READINGS,
                RecordKind.WINDOW,
                pack_window(piece, self._dictionary),
                first_boot_ns=int(scans.boot_ns[0]),
                last_boot_ns=int(scans.boot_ns[-1]),
            )
            yield
        window.next = last + 1


def depths_of(plant: Plant, settings: BlackBox) -> list[int]:
    """Return how many scans of each group are kept; fewer, by one share for all, where memory is short."""
    wanted = [_wanted(settings.before, plant.scan_class_of(group).period) for group in plant.groups]
    groups = list(zip(plant.groups, wanted, strict=True))
    total = sum(ring_bytes(group.count, depth) for group, depth in groups)
    share = min(1.0, settings.memory / total) if total else 1.0
    return [max(1, int(depth * share)) for depth in wanted]


def _scans_per_body(group: ScanGroup) -> int:
    return most_scans(min(group.count, _TAGS_PER_BODY))


def _wanted(before_ns: int, period_ns: int) -> int:
    """Return the scans of the time before an event, and a quarter more for while they are recorded."""
    return -(-before_ns * 5 // (4 * period_ns)) + 8


def _inputs(interlock: Interlock, plant: Plant) -> set[int]:
    """Return the numbers of the tags that an interlock looks at."""
    conditions = (interlock.cause, interlock.armed_when, interlock.bypassed_when, *interlock.effects)
    named = {condition.tag for condition in conditions if condition is not None}
    return {plant.number_of[name] for name in named if name in plant.number_of}
