"""What holds for every past: an interlock that is in force and does not act is told to have failed."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.vocabulary import WitnessState
from tests.filters.cut import BAD, CUT, NORMAL
from tests.filters.rig import Rig, S, plant, tag

Seen = float | tuple[float, int]
LOST: Seen = (0.0, BAD)
SCANS = st.lists(
    st.fixed_dictionaries(
        {
            "p": st.sampled_from([5.0, 1.0, LOST]),
            "valve": st.sampled_from([0.0, 0.0, LOST]),
            "run": st.sampled_from([1.0, 0.0, LOST]),
            "off": st.sampled_from([0.0, 1.0]),
        }
    ),
    max_size=20,
)
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"cause": {"tag": "p", "below": 2, "on_delay": "1s"}},
    {"cause": {"tag": "p", "below": 2, "latched": True}},
)


def rig(changes: dict[str, Any], median: int) -> Rig:
    rows = [tag(name, **({"median": median} if name == "p" else {})) for name in NORMAL]
    return Rig(plant(*rows, interlocks=(CUT | changes,), periods={"fast": "500ms"}))


@settings(max_examples=150, deadline=None)
@given(
    past=SCANS,
    changes=st.sampled_from(CHANGES),
    median=st.sampled_from([0, 3]),
    restart=st.integers(min_value=0, max_value=40),
)
def test_an_effect_that_never_comes_though_the_interlock_is_in_force_is_a_failure(
    past: list[dict[str, Seen]], changes: dict[str, Any], median: int, restart: int
) -> None:
    line, in_force = rig(changes, median), {"p": 1.0, "valve": 0.0, "run": 1.0, "off": 0.0}
    for half, seen in enumerate([*past, *[in_force] * 60]):
        if half == restart:
            after = rig(changes, median)
            after.engine.restore(line.engine.state(), half * S // 2 - 1, same_boot=True)
            line = after
        line.scan(half / 2, **seen)
    (found,) = line.engine.interlocks()
    assert found.state is WitnessState.FAILED
