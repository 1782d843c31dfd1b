"""False and missed alarms of the example plants under noise: `python -m bench.noise [--hours H] [--seed N]`.

In virtual time, each plant runs in normal operation with noisy instruments: white noise of 0.5 % of the
range, a slow drift of 1 % of it, spikes to either end of the range that last one sample, readings that are
lost, and scans that begin late. Every hour its process stops in order and starts again, as in its story
`stops_and_starts`. An alarm that is then told is false, and so is a demand, a failure or an unasked effect of
an interlock. Every five minutes of operation one value is truly driven 5 % of the range beyond its outermost
limit, for as long as the alarm may take (on-delay, median, two scans): if neither that alarm nor that of its
sensor is told, it is missed. Prints the table of docs/noise.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from rich.console import Console
from ruamel.yaml import YAML

from bench.script import Instruments
from bench.stage import START_NS, Stage
from config.load import load
from config.tags import Tag
from config.units import parse_duration_ns
from config.vocabulary import EventKind, Limit, Reason, bad
from filters.event import Event
from filters.kernels import Kernels, load_kernels

ROOT: Final = Path(__file__).parents[1]
STORIES: Final = ROOT / "tests" / "golden" / "stories"
PROFILES: Final = (
    "alu_deepwell",
    "dust_dry",
    "dust_wet",
    "steel_gas",
    "nh3_refrigeration",
    "tank_farm",
)
S: Final = 10**9
MINUTE_NS: Final = 60 * S

NOISE: Final = 0.005
DRIFT: Final = 0.01
BEYOND: Final = 0.05
SPIKES: Final = 0.001
LOST_SCANS: Final = 0.002
JITTER_NS: Final = 20_000_000
EXCURSION_EVERY_NS: Final = 5 * MINUTE_NS
SETTLED_NS: Final = 2 * MINUTE_NS
STOP_EVERY_NS: Final = 60 * MINUTE_NS

_CLAIMS: Final = frozenset(
    (
        EventKind.ALARM_RAISED,
        EventKind.INTERLOCK_DEMAND,
        EventKind.INTERLOCK_FAILED,
        EventKind.INTERLOCK_SPURIOUS,
    )
)


@dataclass
class Noise:
    """Instruments that show what is true, badly. `driven`: tags whose true value is elsewhere for now."""

    instruments: Instruments
    random: Random
    driven: dict[str, float] = field(default_factory=dict)
    readings: int = 0
    spikes: int = 0
    lost: int = 0
    now_ns: int = 0

    def read(self, tag: Tag) -> tuple[float, int]:
        """Return what an instrument shows."""
        self.readings += 1
        if self.random.random() < LOST_SCANS:
            self.lost += 1
            return 0.0, bad(Reason.TIMEOUT)
        true = self.driven.get(tag.tag, self.instruments.value(tag.tag, self.now_ns))
        low, high = tag.range_low, tag.range_high
        if low is None or high is None or not tag.limits:
            return true, 0
        if tag.median and self.random.random() < SPIKES:
            self.spikes += 1
            return self.random.choice((low, high)), 0
        span = high - low
        drift = DRIFT * math.sin(2 * math.pi * self.now_ns / (30 * MINUTE_NS) + len(tag.tag))
        shown = true + span * (self.random.gauss(0, NOISE) + drift)
        return min(high, max(low, shown)), 0


@dataclass
class Excursion:
    """A true excursion of one tag: what must rise by when."""

    rules: frozenset[str]
    begun_ns: int
    ends_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one plant. `false`: the rules that said what was not so; `delays_s`: until an alarm."""

    profile: str
    hours: float
    stops: int
    readings: int
    spikes: int
    lost: int
    false: tuple[str, ...]
    excursions: int
    missed: int
    delays_s: tuple[float, ...]


def run(profile: str, hours: float, seed: int, kernels: Kernels) -> Row:
    """Run one plant under noise."""
    plant = load(ROOT / "examples" / profile)
    told = YAML(typ="safe").load((STORIES / f"{profile}.yaml").read_text(encoding="utf-8"))
    random = Random(f"{profile} {seed}")
    noise = Noise(Instruments.of(told["normal"]), random)
    (rest,) = (story for story in told["stories"] if story["name"] == "stops_and_starts")
    stage = Stage(plant, kernels, noise.read, jitter_ns=lambda: random.randrange(JITTER_NS))
    choices = [(tag, limit) for tag in plant.tags for limit in _outermost(tag)]
    excursions: list[Excursion] = []
    stops = 0
    end_ns = START_NS + round(hours * 60) * MINUTE_NS
    while stage.now_ns + EXCURSION_EVERY_NS <= end_ns:
        if stage.now_ns - START_NS >= (stops + 1) * STOP_EVERY_NS:
            stops += 1
            _play(stage, noise, rest)
        _pass(stage, noise, stage.now_ns + EXCURSION_EVERY_NS - SETTLED_NS)
        tag, limit = random.choice(choices)
        span = (tag.range_high or 0.0) - (tag.range_low or 0.0)
        beyond = BEYOND * span * (1 if limit in (Limit.H, Limit.HH) else -1)
        noise.driven[tag.tag] = tag.limits[limit] + beyond
        period_ns = plant.description.scan_classes[tag.scan_class].period
        begun_ns = stage.now_ns
        lasts_ns = tag.on_delay + (tag.median // 2 + 3) * period_ns
        _pass(stage, noise, begun_ns + lasts_ns)
        noise.driven.clear()
        _pass(stage, noise, begun_ns + SETTLED_NS)
        rules = frozenset((f"{tag.tag}.{limit}", f"{tag.tag}.bad"))
        excursions.append(Excursion(rules, begun_ns, begun_ns + SETTLED_NS))
    return _judged(profile, hours, stops, noise, stage, excursions)


def _play(stage: Stage, noise: Noise, story: dict[str, Any]) -> None:
    """Let a story happen."""
    begun_ns = stage.now_ns
    for step in story["steps"]:
        _pass(stage, noise, begun_ns + parse_duration_ns(step["at"]))
        noise.instruments.act(step, stage.now_ns)
    _pass(stage, noise, begun_ns + parse_duration_ns(story["until"]))


def _outermost(tag: Tag) -> list[Limit]:
    """Return the outermost limits of a tag."""
    lows = [limit for limit in (Limit.LL, Limit.L) if limit in tag.limits][:1]
    return lows + [limit for limit in (Limit.HH, Limit.H) if limit in tag.limits][:1]


def _pass(stage: Stage, noise: Noise, end_ns: int) -> None:
    while stage.now_ns < end_ns:
        noise.now_ns = stage.now_ns
        stage.run_until(min(end_ns, stage.now_ns + S))


def _judged(
    profile: str, hours: float, stops: int, noise: Noise, stage: Stage, excursions: list[Excursion]
) -> Row:
    raised = [(event.rule, event.boot_ns) for event in stage.events if _is_claim(event)]
    delays = []
    for excursion in excursions:
        found = [
            at
            for rule, at in raised
            if rule in excursion.rules and excursion.begun_ns <= at < excursion.ends_ns
        ]
        delays += [(min(found) - excursion.begun_ns) / S] if found else []
    false = (rule for rule, at in raised if not any(one.begun_ns <= at < one.ends_ns for one in excursions))
    return Row(
        profile=profile,
        hours=hours,
        stops=stops,
        readings=noise.readings,
        spikes=noise.spikes,
        lost=noise.lost,
        false=tuple(false),
        excursions=len(excursions),
        missed=len(excursions) - len(delays),
        delays_s=tuple(delays),
    )


def _is_claim(event: Event) -> bool:
    """Tell whether an event says to people that something is wrong."""
    return event.withheld is None and (
        event.kind in _CLAIMS
        or (event.kind is EventKind.ALARM_REPEATED and event.figures.get("because") != "cadence")
    )


def table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    columns = (
        "hours | stops | readings | spikes | lost | false alarms | excursions | missed | delay p50/max s"
    )
    lines = [f"| profile | {columns} |", "| --- |" + " ---: |" * 9]
    for row in rows:
        p50, most = (float(np.median(row.delays_s)), max(row.delays_s)) if row.delays_s else (0.0, 0.0)
        counts = (row.stops, row.readings, row.spikes, row.lost)
        cells = [row.profile, f"{row.hours:g}", *(f"{count:,}" for count in counts), _counted(row.false)]
        cells += [str(row.excursions), str(row.missed), f"{p50:.1f}/{most:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _counted(rules: tuple[str, ...]) -> str:
    named = ", ".join(f"{rule} {count}" for rule, count in sorted(Counter(rules).items()))
    return f"{len(rules)} ({named})" if rules else "0"


def main() -> int:
    """Print the table; exit 1 where an excursion was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.noise", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="hours of each plant, in virtual time")
    parser.add_argument("--seed", type=int, default=0, help="which noise")
    asked = parser.parse_args()
    with TemporaryDirectory() as cache:
        kernels = load_kernels(Path(cache))
        rows = [run(profile, asked.hours, asked.seed, kernels) for profile in PROFILES]
    Console(width=160, markup=False, highlight=False).print(table(rows))
    return 1 if any(row.missed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
