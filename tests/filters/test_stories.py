"""What holds for every plant and every input."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.vocabulary import EventKind, Reason, bad, uncertain
from filters.engine import Engine
from filters.kernels import Kernels, twins
from tests.filters.rig import MS, plant, tag
from tests.filters.stories import PERIOD_NS, START_NS, plants, rows, stories, tell

THOROUGH = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@THOROUGH
@given(data=st.data())
def test_compiled_kernels_and_their_twins_say_the_same_to_the_last_bit(
    compiled: Kernels, data: st.DataObject
) -> None:
    made = data.draw(plants())
    story = data.draw(stories(made, restarts=True))
    assert tell(made, compiled, story) == tell(made, twins(), story)


@THOROUGH
@given(data=st.data())
def test_the_same_calls_give_the_same_events_also_across_a_restart(
    compiled: Kernels, data: st.DataObject
) -> None:
    made = data.draw(plants())
    story = data.draw(stories(made, restarts=True))
    assert tell(made, compiled, story) == tell(made, compiled, story)


@THOROUGH
@given(data=st.data())
def test_raw_beyond_hh_for_longer_than_the_delays_is_never_silent(
    compiled: Kernels, data: st.DataObject
) -> None:
    """HH rises if all was readable; a bad-sensor alarm may stand for it where it was not.

    A sensor may fail for nearly its fault delay, be read once, and fail for nearly as long again; the second
    reading raises HH, if the on-delay is over by then.
    """
    row = data.draw(rows()) | {"hh": 5.0, "scale": 1.0, "offset": 0.0}
    made = plant(tag("t", **row), periods={"fast": "500ms"})
    (group,), (t,) = made.groups, made.tags
    readable = data.draw(st.booleans())
    usable = [0, uncertain(Reason.RESYNC)]
    before = data.draw(
        st.lists(st.tuples(st.floats(-10, 10), st.sampled_from([*usable, bad(Reason.TIMEOUT)])))
    )
    beyond_ns = t.on_delay + t.delay_ns(PERIOD_NS) + 2 * PERIOD_NS + (0 if readable else 2 * t.fault_delay)
    ceiling = min(6.9, t.raw_high or math.inf)
    high = st.floats(5.0, ceiling) if readable else st.one_of(st.floats(5.0), st.just(7.0))
    words = st.sampled_from(usable if readable else [*usable, bad(Reason.TIMEOUT)])
    length = beyond_ns // PERIOD_NS + 1
    during = data.draw(st.lists(st.tuples(high, words), min_size=length, max_size=length))
    engine, heard, now_ns = Engine(made, compiled), set(), START_NS
    for number, (raw, word) in enumerate(before + during):
        engine.condition(group, np.array([raw]), np.array([word], np.uint32), now_ns)
        engine.judge(now_ns + 20 * MS)
        if number >= len(before):
            heard |= {alarm.rule for alarm in engine.alarms()}
        now_ns += PERIOD_NS
    assert "t.HH" in heard or (not readable and "t.bad" in heard)


@THOROUGH
@given(data=st.data())
def test_every_alarm_that_was_raised_is_cleared_before_it_is_raised_again(
    compiled: Kernels, data: st.DataObject
) -> None:
    made = data.draw(plants())
    engine, now_ns, standing = Engine(made, compiled), START_NS, set()
    for step in data.draw(stories(made)):
        now_ns += step.after_ns
        if hasattr(step, "raw"):
            group = made.groups[step.group]
            engine.condition(group, np.array(step.raw), np.array(step.quality, np.uint32), now_ns)
        for event in engine.judge(now_ns)[0]:
            if event.kind is EventKind.ALARM_RAISED:
                assert event.rule not in standing
                standing.add(event.rule)
            elif event.kind is EventKind.ALARM_CLEARED:
                standing.remove(event.rule)
        assert standing == {alarm.rule for alarm in engine.alarms()}
