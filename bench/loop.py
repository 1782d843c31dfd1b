"""The event loop: which callback holds it longest, with 10,000 tags in one scan group, in all that comes up.

Half of the tags alarm at once, by one scan, again and again. The log is small, so that its files change often
and the oldest go. What comes before READY=1 and after the stop was asked for is not counted: nobody waits for
the loop then. A run is slowed by whatever else the machine does; what the code itself needs is seen in each
run, so of every stretch the run with the shortest worst callback stands for it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from bench.broker import Broker
from bench.helper import Helper
from bench.network import Network, own_loopback
from bench.plan import Plan, Report, Target
from bench.plant import Load
from bench.subject import Subject

HELD_MS: Final = 5.0
TAGS: Final = 10_000
_LOAD: Final = Load(
    devices=1, registers=TAGS, at_once=TAGS // 2, log="{cap: 4MB, segment: 500kB, at_least: 1h}"
)
_QUESTIONS: Final = (
    *("/status", "/alarms", "/alarms?from=4000", "/alarms?from=9000", "/tags", "/metrics"),
    *("/interlocks", "/shelves", "/maintenance", "/status"),
)
_ALARMS_WITHIN_S: Final = 16.0
"""What is low, back within its limits and high by then has been told, 5,000 times each."""
_MIDNIGHT_AFTER_S: Final = 64.0
_DAY_S: Final = 86_400
_PLACES: Final = 3
_STREAMS: Final = ("events", "readings")


class Held(NamedTuple):
    """How long a callback held the loop, and which it was."""

    ms: float
    name: str


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One run: the longest callback of every stretch, alarms not normal when asked, files that went."""

    worst: dict[str, Held]
    alarms: int
    gone: int


@dataclass(kw_only=True)
class _Watch:
    """What a subject notes, and when each stretch of a run began."""

    path: Path
    began: list[tuple[float, str]] = field(default_factory=list)

    def begin(self, stretch: str) -> None:
        """Begin a stretch now; the empty one is not counted."""
        self.began.append((time.monotonic(), stretch))

    def worst(self) -> dict[str, Held]:
        """Return the longest callback of every stretch."""
        worst: dict[str, Held] = {name: Held(0.0, "none") for _, name in self.began if name}
        for line in self.path.read_bytes().splitlines():
            note = orjson.loads(line)
            stretch = next((name for since_s, name in reversed(self.began) if since_s <= note["s"]), "")
            if stretch:
                worst[stretch] = max(worst[stretch], Held(note["ms"], _name(note)))
        return worst


def run(plan: Plan) -> Report:
    """Measure every stretch."""
    runs = [_measure(plan) for _ in range(plan.repeats)]
    least = {stretch: min(found.worst[stretch] for found in runs) for stretch in runs[0].worst}
    return Report(
        bench="loop",
        targets=[
            Target(name="alarms not normal", found=min(found.alarms for found in runs), at_least=TAGS),
            Target(name="files of the log that went", found=min(found.gone for found in runs), at_least=1),
            *(
                Target(name=f"{stretch}: {found.name}, ms of CPU", found=found.ms, at_most=HELD_MS)
                for stretch, found in least.items()
            ),
        ],
    )


def _measure(plan: Plan) -> _Found:
    host = own_loopback()
    with (
        tempfile.TemporaryDirectory(prefix="fengsui-bench-") as temporary,
        Helper("bench.load_devices", "--host", host, "--devices", "1") as devices,
        Broker.found(Path(temporary), host) as broker,
        _midnight_in(_MIDNIGHT_AFTER_S),
    ):
        network = Network(host=host, devices=devices.ready["ports"], broker=broker.port)
        watch = _Watch(path=Path(temporary) / "held")
        with Subject("agent", Path(temporary), _LOAD, network, held=watch.path) as subject:
            alarms = _play(plan, subject, broker, watch)
            gone = _gone(subject.state / "log")
        return _Found(worst=watch.worst(), alarms=alarms, gone=gone)


def _gone(log: Path) -> int:
    """Return how many files the log has deleted; those of a stream are numbered from 1."""
    streams = [[int(path.stem.rpartition("-")[2]) for path in log.glob(f"{name}-*.seg")] for name in _STREAMS]
    return sum(max(numbers) - len(numbers) for numbers in streams)


def _play(plan: Plan, subject: Subject, broker: Broker, watch: _Watch) -> int:
    """Let everything come up that may hold the loop; return how many alarms were not normal."""
    ready_s = time.monotonic()
    watch.begin("first scans, 5,000 alarms at once")
    time.sleep(max(plan.window_s, _ALARMS_WITHIN_S))
    watch.begin("questions, 10,000 alarms not normal")
    for question in _QUESTIONS:
        subject.fetch(question)
    alarms: int = subject.ask("/alarms")["total"]
    watch.begin("no platform")
    broker.stop()
    time.sleep(plan.window_s)
    watch.begin("platform back")
    broker.start()
    time.sleep(plan.window_s)
    if plan.window_s * 3 > _MIDNIGHT_AFTER_S - _ALARMS_WITHIN_S:
        watch.begin("midnight")
        time.sleep(max(0.0, ready_s + _MIDNIGHT_AFTER_S + 2 - time.monotonic()))
    broker.stop()
    watch.begin("")
    subject.stop()
    subject.start()
    watch.begin("started again, with a backlog")
    broker.start()
    time.sleep(plan.window_s)
    watch.begin("")
    subject.stop()
    return alarms


@contextmanager
def _midnight_in(seconds: float) -> Iterator[None]:
    """Have the subject's day end after a while: by its time zone (tzset(3))."""
    behind_utc = timedelta(seconds=round(time.time() + seconds) % _DAY_S)
    before = os.environ.get("TZ")
    os.environ["TZ"] = f"BENCH{behind_utc}"
    try:
        yield
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before


def _name(note: dict[str, str]) -> str:
    """Return what a callback is called, and of a task's step where it came to, from the inside outwards."""
    places = [place for place in note["at"].split(" < ") if not place.startswith("sleep:")]
    return " < ".join([*places[:_PLACES], note["name"]])
