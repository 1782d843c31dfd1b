"""Alarms against another implementation: a clock that ticks every 10 ms and looks at everything."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.vocabulary import EventKind, Reason, bad
from filters.engine import Engine
from filters.kernels import Kernels
from tests.filters.rig import MS, plant, tag, told

TICK = 10
PERIOD = 500
LIMIT, DEADBAND = 5.0, 1.0


def reference(
    samples: dict[int, float | None], on_delay: int, off_delay: int, until: int
) -> list[tuple[str, str, float]]:
    """Alarms of limit H; `samples` by millisecond (None: Bad), delays in milliseconds."""
    events: list[tuple[str, str, float]] = []
    active = False
    since: int | None = None  # the value has been on the other side since then
    seen_over = 0  # of an alarm, how long before it could not be read any more
    newest: int | None = None  # the newest sample
    readable = False
    for now in range(0, until + 1, TICK):
        due = None if since is None or not readable else since + (off_delay if active else on_delay)
        if due is not None and newest is not None:
            waits = due >= newest + PERIOD * 3 // 4
            if now >= (due + PERIOD if waits else due):
                active, since = not active, None
                events.append(("alarm_raised" if active else "alarm_cleared", "t.H", due / 1000))
        if now in samples:
            newest, value = now, samples[now]
            was_readable, readable = readable, value is not None
            if value is None:
                if active and since is not None and was_readable:
                    seen_over = min(now - since, off_delay)
            else:
                if active and since is not None and not was_readable:
                    since = now - seen_over
                across = value < LIMIT - DEADBAND if active else value >= LIMIT
                held = since is not None and not was_readable
                since = (now if since is None else since) if across else None
                delay = off_delay if active else on_delay
                if since is not None and since + delay <= now:
                    active, moment = not active, max(since + delay, now if held else 0)
                    since = None
                    events.append(("alarm_raised" if active else "alarm_cleared", "t.H", moment / 1000))
    return events


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.sampled_from([0.0, 3.9, 4.0, 4.5, 5.0, 6.0, 6.0, None]), min_size=1, max_size=30),
    gaps=st.lists(st.sampled_from([PERIOD, PERIOD, PERIOD, 490, 510, 2 * PERIOD]), min_size=30, max_size=30),
    on_delay=st.sampled_from([0, 200, 490, 500, 510, 1000, 1700]),
    off_delay=st.sampled_from([0, 300, 500, 1200]),
)
def test_alarms_are_those_of_a_clock_that_looks_all_the_time(
    compiled: Kernels, values: list[float | None], gaps: list[int], on_delay: int, off_delay: int
) -> None:
    row = tag("t", h=LIMIT, alarm_deadband=DEADBAND, on_delay=f"{on_delay}ms", off_delay=f"{off_delay}ms")
    made = plant(row, periods={"fast": f"{PERIOD}ms"})
    times = np.cumsum([0, *gaps])[: len(values)].tolist()
    until = times[-1] + 400
    engine, found = Engine(made, compiled), []
    for at, value in zip(times, values, strict=True):
        word = bad(Reason.TIMEOUT) if value is None else 0
        engine.condition(made.groups[0], np.array([value or 0.0]), np.array([word], np.uint32), at * MS)
        found += engine.judge(at * MS)[0]
    found += engine.judge(until * MS)[0]
    samples = dict(zip(times, values, strict=True))
    found = [event for event in found if event.kind in (EventKind.ALARM_RAISED, EventKind.ALARM_CLEARED)]
    assert told(found) == reference(samples, on_delay, off_delay, until)
