"""What readings say of one another: rules that a plant may declare, each in calm and in earnest."""

from __future__ import annotations

from typing import Any

import pytest

from filters.kernels import twins
from tests.filters.rig import Rig, plant, tag, told

Values = dict[str, float]

FAN = {"dp": 900.0, "fan_current": 30.0, "fan_run": 1.0}
POWER = {"process_kw": 40.0, "fan_kw": 18.0}
OVEN = {"t1": 61.0, "t2": 63.0, "t3": 62.0}


def alarms_of(rule: dict[str, Any], before: Values, after: Values, seconds: int) -> list[tuple[str, float]]:
    """What a rule tells of a plant that changes at second 5; scans every second."""
    bools = ("fan_run", "declared_stopped")
    rows = [tag(name, type="bool" if name in bools else "float32") for name in before]
    line = Rig(plant(*rows, alarms={"rule": rule}), twins())
    for second in range(seconds):
        line.scan(second, **(before if second < 5 else before | after))
    return [(kind, at_s) for kind, name, at_s in told(line.events) if name == "rule"]


CASES: dict[str, tuple[dict[str, Any], Values, Values, Values, float]] = {
    "three sensors of one oven disagree": (
        {"when": "max(t1, t2, t3) - min(t1, t2, t3) > 10", "on_delay": "3s"},
        OVEN,
        {"t2": 70.0},
        {"t2": 75.0},
        8.0,
    ),
    "no pressure drop although the fan draws current": (
        {"when": "fan_current > 20% * 40 and dp < 20", "on_delay": "5s"},
        FAN,
        {"dp": 0.0, "fan_current": 0.0, "fan_run": 0.0},
        {"dp": 3.0},
        10.0,
    ),
    "a pressure drop although the fan stands still": (
        {"when": "not fan_run and dp > 100", "on_delay": "10s"},
        FAN,
        {"dp": 0.0, "fan_current": 0.0, "fan_run": 0.0},
        {"fan_run": 0.0, "fan_current": 0.0},
        15.0,
    ),
    "the process draws power and its dust extraction does not": (
        {"when": "process_kw > 3 * 5 and fan_kw < 5", "on_delay": "10s"},
        POWER,
        {"process_kw": 2.0, "fan_kw": 0.0},
        {"fan_kw": 0.4},
        15.0,
    ),
    "declared as stopped, and power is drawn": (
        {"when": "declared_stopped and total_kw > 1.3 * 20", "on_delay": "15s"},
        {"declared_stopped": 0.0, "total_kw": 300.0},
        {"declared_stopped": 1.0, "total_kw": 21.0},
        {"declared_stopped": 1.0},
        20.0,
    ),
    "more people than the room may hold": (
        {"when": "hold_max(headcount, 10s) > 9", "on_delay": "30s"},
        {"headcount": 8.0},
        {"headcount": 9.0},
        {"headcount": 11.0},
        35.0,
    ),
    "too far from its set point": (
        {"when": "abs(speed - setpoint) > 15% * setpoint", "on_delay": "2s"},
        {"speed": 100.0, "setpoint": 100.0},
        {"speed": 114.0},
        {"setpoint": 80.0},
        7.0,
    ),
    "rises faster than it may": (
        {"when": "rate(level, 2s) > 5"},
        {"level": 100.0},
        {"level": 109.0},
        {"level": 111.0},
        5.0,
    ),
    "does not move while it runs": (
        {"when": "stuck(dp, 0, 10s, while=fan_run)"},
        {"dp": 900.0, "fan_run": 0.0},
        {},
        {"fan_run": 1.0},
        15.0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_in_earnest_and_not_otherwise(case: str) -> None:
    rule, before, calm, earnest, raised_s = CASES[case]
    assert alarms_of(rule, before, calm, 60) == []
    assert alarms_of(rule, before, earnest, 60)[0] == ("alarm_raised", raised_s)
