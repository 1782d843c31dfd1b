"""What `fengsui simulate` plays where nobody says otherwise: a day without alarms and demands."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.simulate.scenario import Written
from bench.stage import START_NS, Stage
from config.load import load
from config.plant import Plant
from config.vocabulary import EventKind
from filters.kernels import Kernels
from tests.agent.plants import make_plant

S = 10**9
DAY_S = 90
EXAMPLES = Path(__file__).parents[2] / "examples"
QUIET = {EventKind.INTERLOCK_ARMED}


def told(plant: Plant, kernels: Kernels) -> set[str]:
    """What the engine says of the first minutes of a simulation of a plant, by rule."""
    courses = Written(seed=5).bound_to(plant).courses
    stage = Stage(plant, kernels, lambda tag: (float(courses[tag.tag]((stage.now_ns - START_NS) / S)), 0))
    stage.run_until(START_NS + DAY_S * S)
    return {f"{event.kind} {event.rule}" for event in stage.events if event.kind not in QUIET}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_a_plain_simulation_of_an_example_is_an_ordinary_day(name: str, compiled: Kernels) -> None:
    assert told(load(EXAMPLES / name), compiled) == set()


def test_what_rules_look_at_rests_also_through_series_and_against_other_tags(compiled: Kernels) -> None:
    rules = {
        "series": {"sum": {"value": "plc_0 + plc_1"}},
        "alarms": {
            "much": {"when": "sum > 40"},
            "unlike": {"when": "abs(plc_0 - plc_1) > 5"},
            "still": {"when": "stuck(plc_2, 0.001, 10s)"},
            "growing": {"when": "increase(plc_3, 10s) > 3"},
        },
        "interlocks": [
            {
                "name": "cut",
                "armed_when": {"tag": "plc_4", "above": 50},
                "cause": {"tag": "plc_5", "below": 60},
                "effects": [{"tag": "plc_6", "equals": 0, "within": "5s"}],
            }
        ],
    }
    plant = make_plant(tags_each=7, tag={"range_low": 0, "range_high": 100, "type": "float32"}, rules=rules)
    assert told(plant, compiled) == set()
    courses = Written(seed=5).bound_to(plant).courses
    assert float(courses["plc_4"](1.0)) > 50
    assert len({courses["plc_2"](float(at)) for at in range(50)}) > 10
