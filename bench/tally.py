"""What the sink has seen: counts, holes, duplicates, latencies, grid."""

from __future__ import annotations

from collections import Counter, defaultdict

from bench.figures import lateness_ns, shares_ms
from bench.message import EVENT, READINGS, Message, Meta, answer_of, device_of, is_good
from bench.sequence import Sequence


class Tally:
    """Takes decoded messages; answers what they amount to.

    A message is counted once: a second one under its key is a duplicate and nothing else. An answer of a
    device that arrives under two keys is counted in `twice`, unless it is the last and the devices hold.
    """

    def __init__(self, *, devices: int, registers: int, period_ns: int) -> None:
        self._registers = registers
        self._period_ns = period_ns
        self._device_of: dict[tuple[str, int], int] = {}
        self._keys: defaultdict[tuple[str, str], Sequence] = defaultdict(Sequence)
        self._answers = [Sequence() for _ in range(devices)]
        self._messages: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._readings = 0
        self._bytes = 0
        self._wrong = 0
        self._doubtful = 0
        self._held = False
        self._latencies_ns: list[int] = []
        self._event_latencies_ns: list[int] = []
        self._starts_ns: list[list[int]] = [[] for _ in range(devices)]

    def learn(self, meta: Meta) -> None:
        """Note which device each tag number means."""
        self._device_of |= {(meta.meta, number): device_of(name) for number, name in meta.tags.items()}

    def take(self, message: Message, arrival_utc_ns: int, size: int) -> None:
        """Count one message of `size` bytes that arrived at the given instant."""
        if not self._keys[message.run, message.stream].take(message.seq):
            return
        self._messages[message.kind] += 1
        if message.kind == READINGS:
            self._bytes += size
            self._take_readings(message, arrival_utc_ns)
        elif message.kind == EVENT:
            self._take_event(message, arrival_utc_ns)

    def counters(self) -> dict[str, object]:
        """Return all counts since the start, and the times since the last `mark`."""
        lates = [late for starts in self._starts_ns for late in lateness_ns(starts, self._period_ns)]
        return {
            "messages": dict(self._messages),
            "events": dict(self._events),
            "readings": self._readings,
            "bytes": self._bytes,
            "wrong": self._wrong,
            "doubtful": self._doubtful,
            "holes": sum(len(keys.missing) for keys in self._keys.values()),
            "duplicates": sum(keys.duplicates for keys in self._keys.values()),
            "twice": sum(answers.duplicates for answers in self._answers),
            "last_answers": [answers.last for answers in self._answers],
            "missing_answers": sum(len(answers.missing) for answers in self._answers),
            "latency_ms": shares_ms(self._latencies_ns),
            "event_latency_ms": shares_ms(self._event_latencies_ns),
            "grid_late_ms": shares_ms(lates),
        }

    def mark(self) -> None:
        """Forget the times; the counts go on."""
        self._latencies_ns.clear()
        self._event_latencies_ns.clear()
        for starts in self._starts_ns:
            starts.clear()

    def hold(self) -> None:
        """Take note that the devices repeat their last answers from now on."""
        self._held = True

    def _take_event(self, message: Message, arrival_utc_ns: int) -> None:
        self._events[message.event] += 1
        if message.scan_utc_ns:
            self._event_latencies_ns.append(arrival_utc_ns - message.scan_utc_ns)

    def _take_readings(self, message: Message, arrival_utc_ns: int) -> None:
        device = self._device_of[message.meta, message.rows[0][0]]
        self._readings += len(message.rows)
        self._latencies_ns.append(arrival_utc_ns - message.scan_utc_ns)
        self._starts_ns[device].append(message.scan_utc_ns)
        answer = answer_of(message.rows, self._registers)
        if answer is None:
            self._wrong += 1
            return
        self._doubtful += not is_good(message.rows)
        if not (self._held and answer == self._answers[device].last):
            self._answers[device].take(answer)
