"""Random stories for an engine: plants of all allowed sorts, and what happens to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from config.plant import Plant
from config.vocabulary import Flag, Reason, bad, uncertain
from filters.engine import Engine
from filters.kernels import Kernels
from tests.filters.rig import MS, plant, tag

PERIOD_NS = 500 * MS
START_NS = 10**12

numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 7.0, math.nan, math.inf, -math.inf, 1e308]),
    st.floats(-10, 10).map(lambda number: round(number, 1)),
)
qualities = st.sampled_from(
    [
        0,
        0,
        0,
        0,
        int(Flag.MAINTENANCE),
        uncertain(Reason.RESYNC),
        bad(Reason.TIMEOUT),
        bad(Reason.REFUSED, detail=2),
    ]
)
delays = st.sampled_from(["0s", "250ms", "500ms", "700ms", "1s", "2s"])


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """One row of a point table."""
    ll, low, high, hh = sorted(draw(st.lists(st.floats(-9, 9), min_size=4, max_size=4)))
    limits = {"ll": ll, "l": low, "h": high, "hh": hh}
    return {
        "scale": draw(st.sampled_from([1.0, 0.5, -2.0, 10.0])),
        "offset": draw(st.sampled_from([0.0, 3.0])),
        "raw_low": draw(st.sampled_from([None, -8.0])),
        "raw_high": draw(st.sampled_from([None, 8.0])),
        "sentinels": draw(st.sampled_from([{}, {7.0: "fault"}, {7.0: "fault", 1.0: "spare"}])),
        "median": draw(st.sampled_from([0, 3, 5, 7])),
        "plausible_high": draw(st.sampled_from([None, None, 90.0])),
        "max_rate": draw(st.sampled_from([None, 5.0])),
        "report": draw(st.sampled_from(["deadband", "swinging_door"])),
        "max_delay": draw(st.sampled_from(["1s", "5s"])),
        "min_interval": draw(st.sampled_from(["0s", "0s", "1200ms"])),
        "deadband": draw(st.sampled_from([{}, {"absolute": 0.0}, {"absolute": 2.0}])),
        "heartbeat": draw(st.sampled_from(["2s", "60s"])),
        "safety": draw(st.booleans()),
        "fault_delay": draw(delays),
        "alarm_deadband": draw(st.sampled_from([0.0, 0.5])),
        "on_delay": draw(delays),
        "off_delay": draw(delays),
    } | {name: value for name, value in limits.items() if draw(st.booleans())}


EXPRESSIONS = {
    "lag": "ewma(cause, 700ms)",
    "mean": "avg(cause + other, 2s) * 50%",
    "span": "max(effect, 1500ms) - min(effect, 1500ms)",
    "slope": "rate(cause, 1s, per=1min)",
    "up": "increase(other, 2s, wraps=11)",
    "still": "stuck(other, 0.5, 1s, while=effect > 0)",
    "late": "on_for(cause > 2, 1s) or off_for(effect > 2, 1s) and not debounce(run > 3, 500ms)",
    "two": "votes(2, cause > 1, effect > 1, run > 1) == proven_votes(2, cause > 1, effect > 1, run > 1)",
    "blind": "bad(cause / off) or age(effect) > 1s",
    "often": "count(cause > effect, 3s) / abs(-mean) >= max(off, 1)",
    "gas": "ppm(cause, 28) - mg_m3(cause, 28) + mmh2o(kpa(lag))",
}


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    """Two devices, five tags, one interlock between them."""
    names = ("cause", "run", "effect", "other", "off")
    tags = [tag(name, device="b" if name in ("effect", "other") else "a", **draw(rows())) for name in names]
    interlock = {
        "name": "cut",
        "cause": {"tag": "cause", "above": 5, "on_delay": draw(delays)},
        "effects": [
            {"tag": "effect", "above": 3, "within": draw(st.sampled_from(["1s", "3s"]))},
            {"tag": "other", "below": 3, "within": "2s"},
        ],
    }
    if draw(st.booleans()):
        interlock["armed_when"] = {"tag": "run", "above": 0}
    if draw(st.booleans()):
        interlock["bypassed_when"] = {"tag": "off", "above": 6}
    wanted = draw(st.sets(st.sampled_from(list(EXPRESSIONS)), max_size=5)) | {"lag", "mean"}
    series = {name: EXPRESSIONS[name] for name in EXPRESSIONS if name in wanted}
    alarms = {"rule": {"when": "mean > lag", "on_delay": draw(delays)}} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        interlock["effects"] = [{"when": "other < 3 and lag < 8", "within": "3s"}]
    return plant(*tags, interlocks=(interlock,), periods={"fast": "500ms"}, series=series, alarms=alarms)


@dataclass(frozen=True)
class Scan:
    """One scan of a group: `after_ns` the story so far, judged `late_ns` later."""

    group: int
    after_ns: int
    late_ns: int
    raw: tuple[float, ...]
    quality: tuple[int, ...]


@dataclass(frozen=True)
class Judge:
    """A judgement by time alone."""

    after_ns: int


@dataclass(frozen=True)
class Restart:
    """The engine's state is carried over to a new engine."""

    same_boot: bool


Step = Scan | Judge | Restart


@st.composite
def stories(draw: st.DrawFn, plant: Plant, *, restarts: bool = False) -> list[Step]:
    """Scans, judgements and, if wanted, restarts."""
    gaps = st.sampled_from([0, 100 * MS, 250 * MS, 500 * MS, 500 * MS, 510 * MS, 3000 * MS])
    scans = st.sampled_from(plant.groups).flatmap(
        lambda group: st.builds(
            Scan,
            st.just(group.number),
            gaps,
            st.sampled_from([0, 20 * MS, 600 * MS]),
            st.tuples(*[numbers] * group.count),
            st.tuples(*[qualities] * group.count),
        )
    )
    kinds = [scans, scans, scans, st.builds(Judge, gaps)]
    if restarts:
        kinds.append(st.builds(Restart, st.booleans()))
    return draw(st.lists(st.one_of(kinds), max_size=40))


def tell(plant: Plant, kernels: Kernels, story: list[Step]) -> list[str]:
    """Play a story; return all that the engine said and showed, to the last bit."""
    engine, now_ns, said = Engine(plant, kernels), START_NS, []
    for step in story:
        if isinstance(step, Restart):
            state = engine.state()
            engine = Engine(plant, kernels)
            now_ns = now_ns + PERIOD_NS if step.same_boot else START_NS // 2
            said.append(repr(engine.restore(state, now_ns, same_boot=step.same_boot)))
            continue
        now_ns += step.after_ns
        if isinstance(step, Scan):
            group = plant.groups[step.group]
            engine.condition(group, np.array(step.raw), np.array(step.quality, np.uint32), now_ns)
            said.append(repr(engine.judge(now_ns + step.late_ns)))
            report = engine.report(group, now_ns)
            late = None if report.late is None else (report.late.selected.tolist(), report.late.boot_ns)
            said.append(repr((report.selected.tolist(), report.recorded, report.suppressed, late)))
        else:
            said.append(repr(engine.judge(now_ns)))
        image = engine.image
        arrays = (image.raw, image.scaled, image.value, image.quality, image.boot_ns, image.since_boot_ns)
        said.append(" ".join(array.tobytes().hex() for array in arrays))
        said.append(repr((engine.alarms(), engine.interlocks())))
    said.append(engine.state().decode())
    return said
