"""Every row of an interlock's cause-and-effect table, with each input true, false, Bad, stale and missing.

The story is always the same: all normal, then one input is as the case says from 3.5 s on (or was never
read), then the cause at 5 s and the effect at 6 s, where they are not the input in question. What is no
longer scanned is stale at 4.5 s, so that the demand comes before it could be told that an input is unknown.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from config.vocabulary import Reason, WitnessState, bad
from filters.kernels import Kernels
from tests.filters.rig import Rig, plant, tag

TRUE: Final = {"p": 1.0, "valve": 1.0, "run": 1.0, "off": 1.0, "ok": 1.0}
FALSE: Final = {"p": 5.0, "valve": 0.0, "run": 0.0, "off": 0.0, "ok": 0.0}
NORMAL: Final = {"p": 5.0, "valve": 0.0, "run": 1.0, "off": 0.0, "ok": 1.0}
CUT: Final[dict[str, Any]] = {
    "name": "cut",
    "armed_when": {"tag": "run", "equals": 1},
    "ready_when": {"tag": "ok", "equals": 1},
    "cause": {"tag": "p", "below": 2},
    "effects": [{"tag": "valve", "equals": 1, "within": "3s"}],
    "bypassed_when": {"tag": "off", "equals": 1},
}
UNREADABLE: Final = ("bad", "stale", "missing")

PROVEN: Final = ["demand", "proven"]
EXPECTED: Final[dict[tuple[str, str], tuple[list[str], WitnessState]]] = {
    ("p", "true"): (PROVEN, WitnessState.PROVEN),
    ("p", "false"): (["spurious"], WitnessState.ARMED),
    **{("p", how): (["unknown"], WitnessState.UNKNOWN) for how in UNREADABLE},
    ("valve", "true"): (["spurious", "demand", "indeterminate"], WitnessState.INDETERMINATE),
    ("valve", "false"): (["demand", "failed"], WitnessState.FAILED),
    **{("valve", how): (["unknown", "demand", "unknown"], WitnessState.UNKNOWN) for how in UNREADABLE},
    ("valve", "stale"): (["demand", "unknown"], WitnessState.UNKNOWN),
    ("run", "true"): (PROVEN, WitnessState.PROVEN),
    ("run", "false"): (["disarmed"], WitnessState.DISARMED),
    **{("run", how): (["unknown"], WitnessState.UNKNOWN) for how in UNREADABLE},
    ("off", "true"): (["bypassed"], WitnessState.BYPASSED),
    ("off", "false"): (PROVEN, WitnessState.PROVEN),
    **{("off", how): (["unknown"], WitnessState.UNKNOWN) for how in UNREADABLE},
    ("ok", "true"): (PROVEN, WitnessState.PROVEN),
    ("ok", "false"): (["not_ready", *PROVEN], WitnessState.PROVEN),
    **{("ok", how): (["unknown", *PROVEN], WitnessState.PROVEN) for how in UNREADABLE},
    ("ok", "stale"): (PROVEN, WitnessState.PROVEN),
}


@pytest.mark.parametrize(("name", "how"), list(EXPECTED))
def test_a_row_of_the_table(kernels: Kernels, name: str, how: str) -> None:
    line = tell(kernels, name, how)
    events, state = EXPECTED[name, how]
    found = [event.kind.value.removeprefix("interlock_") for event in line.events]
    assert [kind for kind in found if kind != "armed"] == events
    assert line.engine.interlocks()[0].state is state


@pytest.mark.parametrize(("name", "how"), list(EXPECTED))
def test_the_same_story_gives_the_same_events(compiled: Kernels, name: str, how: str) -> None:
    first, second = (tell(compiled, name, how) for _ in range(2))
    assert repr(first.events) == repr(second.events)
    assert first.engine.state() == second.engine.state()


def tell(kernels: Kernels, name: str, how: str) -> Rig:
    """Tell the story; each input is on a device of its own, so that one alone may be stale or missing."""
    rows = [tag(one, device=one) for one in NORMAL]
    line = Rig(plant(*rows, interlocks=(CUT,), periods={"fast": "500ms"}), kernels)
    for half in range(30):
        at = half / 2
        now = {**NORMAL, **({"p": 1.0} if at >= 5 else {}), **({"valve": 1.0} if at >= 6 else {})}
        for one, raw in now.items():
            concerned = one == name and (at >= 3.5 or how == "missing")
            if not concerned:
                line.scan(at, line.group(one), **{one: raw})
            elif how == "bad":
                line.scan(at, line.group(one), **{one: (raw, bad(Reason.TIMEOUT))})
            elif how in ("true", "false"):
                line.scan(at, line.group(one), **{one: (TRUE if how == "true" else FALSE)[one]})
        line.judge(at)
    return line
