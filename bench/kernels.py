"""The kernels alone: 10,000 tags with a median of 5, an EWMA, four limits and a deadband each, in one pass.

What is measured is CPU time of one thread, so that others on the machine count little; the best pass stands
for what the code needs, and the twins are given one pass of the same work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from bench.plan import Plan, Report, Target
from config.faults import Place
from config.models import Description
from config.plant import Plant, number_tags
from config.tags import Tag
from filters.engine import Engine
from filters.kernels import Kernels, load_kernels, twins

TAGS: Final = 10_000
PERIOD_NS: Final = 10**9
PASS_MS: Final = 3.0
RATIO: Final = 20.0
_PASSES: Final = 60
_LIMITS: Final = {"ll": -4.0, "l": -3.0, "h": 3.0, "hh": 4.0}


def run(_plan: Plan) -> Report:
    """Measure the compiled kernels and their twins."""
    plant = full_plant(TAGS)
    with TemporaryDirectory(prefix="fengsui-bench-") as folder:
        compiled = min(_passes_ms(plant, load_kernels(Path(folder)), _PASSES))
    plain = min(_passes_ms(plant, twins(), 2))
    return Report(
        bench="kernels",
        targets=[
            Target(name=f"one pass over {TAGS:,} tags, ms of CPU", found=compiled, at_most=PASS_MS),
            Target(name="times faster than their twins", found=plain / compiled, at_least=RATIO),
        ],
    )


def full_plant(count: int) -> Plant:
    """Return a plant of one scan group in which every tag has everything, and a series of its own."""
    description = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "e", "name": "g"},
            "scan_classes": {"fast": {"period": "1s"}},
            "links": {"l": {"type": "modbus-tcp", "host": "h"}},
            "devices": {"plc": {"link": "l"}},
            "points": ["points.csv"],
            "rules": {"series": {f"s{n}": {"value": f"ewma(t{n}, 2s)"} for n in range(count)}},
        }
    )
    row = {"device": "plc", "scan_class": "fast", "address": "0", "median": 5, "deadband": {"absolute": 0.5}}
    tags = [Tag.model_validate(row | _LIMITS | {"tag": f"t{n}", "alarm_deadband": 0.1}) for n in range(count)]
    return number_tags(description, [(tag, Place(Path("points.csv"))) for tag in tags], "0" * 64)


def _passes_ms(plant: Plant, kernels: Kernels, passes: int) -> list[float]:
    """Return the CPU time of every pass but those that fill the windows: condition, judge and report."""
    engine, (group,) = Engine(plant, kernels), plant.groups
    quality = np.zeros(group.count, dtype=np.uint32)
    spent = []
    for number, raw in enumerate(_noise(group.count, 6 + passes)):
        at_ns = (1 + number) * PERIOD_NS
        began_ns = time.thread_time_ns()
        engine.condition(group, raw, quality, at_ns)
        engine.judge(at_ns)
        engine.report(group, at_ns)
        spent.append((time.thread_time_ns() - began_ns) / 1e6)
    return spent[6:]


def _noise(tags: int, scans: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Yield what a calm plant sends: noise that stays inside the limits and often leaves the deadband."""
    random = np.random.default_rng(1)
    for _ in range(scans):
        yield random.normal(scale=0.5, size=tags)
