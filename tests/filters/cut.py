"""One interlock, `cut`, and its plant in virtual time. Scans every 500 ms, budget T = 3 s."""

from __future__ import annotations

from typing import Any

from config.vocabulary import Reason, WitnessState, bad
from filters.kernels import Kernels
from tests.filters.rig import Rig, plant, tag, told

BAD = bad(Reason.LINK_DOWN)
CUT: dict[str, Any] = {
    "name": "cut",
    "armed_when": {"tag": "run", "equals": 1},
    "cause": {"tag": "p", "below": 2},
    "effects": [{"tag": "valve", "equals": 1, "within": "3s"}],
    "bypassed_when": {"tag": "off", "equals": 1},
}
NORMAL = {"p": 5, "valve": 0, "run": 1, "off": 0}


def rig(kernels: Kernels | None = None, tags: dict[str, dict[str, Any]] | None = None, **changes: Any) -> Rig:
    rows = [tag(name, **(tags or {}).get(name, {})) for name in NORMAL]
    return Rig(plant(*rows, interlocks=(CUT | changes,), periods={"fast": "500ms"}), kernels)


def run(line: Rig, *steps: tuple[float, dict[str, Any]]) -> list[tuple[str, str, float]]:
    """Scan normal values every 500 ms, changed by each step from its second on, until 15 s after the last."""
    now = dict(NORMAL)
    last = steps[-1][0] if steps else 0.0
    for half in range(round((last + 15) * 2)):
        for at, change in steps:
            if at == half / 2:
                now |= change
        line.scan(half / 2, **now)
    return [row for row in told(line.events) if row != ("interlock_armed", "cut", 0)]


def state(line: Rig) -> WitnessState:
    return line.engine.interlocks()[0].state


def split_rig(kernels: Kernels | None, name: str) -> Rig:
    """A rig in which the input `name` is on a device of its own, so that it alone can be stale or missing."""
    rows = [tag(row, device="other" if row == name else "plc") for row in NORMAL]
    return Rig(plant(*rows, interlocks=(CUT,), periods={"fast": "500ms"}), kernels)
