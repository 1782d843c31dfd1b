"""When a cause began that is true only through what smooths it: no raw sample shows it."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filters.kernels import Kernels
from filters.layout import COMPARISON_STATE, LONG_AGO, NEVER
from tests.filters.rig import Rig, S, plant, tag, told

RISE = "ewma(x, 1s) - ewma(z, 10s) > 5"
WATCH: dict[str, Any] = {
    "name": "il",
    "cause": {"when": RISE},
    "effects": [{"tag": "v", "equals": 1, "within": "5s"}],
}


def rig(kernels: Kernels | None = None, **changes: Any) -> Rig:
    return Rig(plant(tag("x"), tag("z"), tag("v"), interlocks=(WATCH | changes,)), kernels)


def feed(line: Rig, since: int, until: int, x: float, z: float) -> None:
    for second in range(since, until):
        line.scan(second, x=x, z=z, v=0)


def both_rise_after_a_real_excursion(line: Rig) -> None:
    """At 10 s a real one; at 130 s both rise alike, and the slower lag alone makes the cause true."""
    feed(line, 0, 10, 0, 0)
    feed(line, 10, 20, 20, 0)
    feed(line, 20, 130, -50, -50)
    feed(line, 130, 200, 0, 0)


def test_a_cause_that_only_its_smoothing_shows_begins_when_it_is_seen(kernels: Kernels) -> None:
    line = rig(kernels)
    both_rise_after_a_real_excursion(line)
    (demand, failed) = [event for event in line.events if event.boot_ns >= 130 * S][:2]
    assert told([demand]) == [("interlock_demand", "il", 130)]
    assert told([failed]) == [("interlock_failed", "il", 136)]
    assert failed.figures["onset_boot_ns"] == 130 * S


def test_a_witness_that_saw_such_a_cause_sees_the_next_one(kernels: Kernels) -> None:
    line = rig(kernels)
    both_rise_after_a_real_excursion(line)
    feed(line, 200, 220, 50, 0)
    assert ("interlock_demand", "il", 200) in told(line.events)


def test_an_effect_after_such_a_cause_is_dated_from_the_look_before(kernels: Kernels) -> None:
    line = rig(kernels)
    feed(line, 0, 130, -50, -50)
    feed(line, 130, 132, 0, 0)
    line.scan(132, x=0, z=0, v=1)
    (proven,) = [event for event in line.events if event.kind.value == "interlock_proven"]
    assert (proven.figures["elapsed_min_ms"], proven.figures["elapsed_max_ms"]) == (1000, 3000)


def test_an_alarm_that_only_its_smoothing_shows_has_an_onset_that_has_been(kernels: Kernels) -> None:
    rules = {
        "late": {"when": "off_for(x > 5, 10s) and z > 0", "group": "g"},
        "peak": {"when": "x > 100", "group": "g"},
    }
    line = Rig(plant(tag("x"), tag("z"), alarms=rules), kernels)
    for second in range(20):
        x = 9 if second < 5 else (200 if second == 12 else 1)
        line.scan(second, x=x, z=float(second >= 8))
    late, peak = [event for event in line.events if event.kind.value == "alarm_raised"]
    assert (late.rule, late.figures["onset_boot_ns"]) == ("late", 8 * S)
    assert (peak.rule, peak.figures["first_out"]) == ("peak", "late")


def test_memories_with_times_that_never_were_are_healed() -> None:
    line = rig()
    feed(line, 0, 10, 0, 0)
    feed(line, 10, 30, 20, 0)
    state = orjson.loads(line.engine.state())
    memory = state["interlocks"]["il"]["memory"]
    assert memory["answered_ns"] == 10 * S
    memory["answered_ns"] = memory["demand"]["began"]["onset_ns"] = NEVER
    (comparison,) = state["comparisons"].values()
    for name in ("onset_ns", "rose_onset_ns"):
        comparison["state"][COMPARISON_STATE.names.index(name)] = NEVER
    after = rig()
    after.events += after.engine.restore(orjson.dumps(state), 40 * S, same_boot=True)
    feed(after, 41, 50, 0, 0)
    feed(after, 100, 110, 50, 0)
    assert ("interlock_demand", "il", 100) in told(after.events)
    assert all(LONG_AGO < event.boot_ns <= 110 * S for event in after.events)


LEVELS = st.lists(
    st.tuples(st.sampled_from([-50, 0, 20, 50]), st.sampled_from([-50, 0, 20]), st.integers(1, 20)),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(levels=LEVELS)
def test_every_time_that_is_told_has_been(compiled: Kernels, levels: list[tuple[int, int, int]]) -> None:
    rules = {"rise": {"when": RISE, "on_delay": "1s"}}
    line = Rig(plant(tag("x"), tag("z"), tag("v"), interlocks=(WATCH,), alarms=rules), compiled)
    now_s = 0
    for x, z, seconds in levels:
        for _ in range(seconds):
            now_s += 1
            for event in line.scan(now_s, x=x, z=z, v=0):
                figures = [number for name, number in event.figures.items() if name.endswith("_ns")]
                assert all(0 <= int(ns) <= now_s * S for ns in (event.boot_ns, event.scan_boot_ns, *figures))
