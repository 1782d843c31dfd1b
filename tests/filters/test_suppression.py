"""What suppresses by design is a reading, too: one that is lost for a moment lets nothing be told."""

from __future__ import annotations

import pytest

from config.vocabulary import Reason, bad
from tests.filters.rig import Rig, plant, tag

LOST = (0, bad(Reason.TIMEOUT))


def resting(by: str) -> Rig:
    """A plant that rests, with a level that is low for that; `by`: what suppresses its alarm."""
    line = Rig(
        plant(
            tag("level", l=2, suppressed_when={"tag": by, "equals": 0}),
            tag("casting", type="bool", safety=True, fault_delay="3s"),
            series={"in_cast": "off_for(casting, 1s)"},
            alarms={"low": {"when": "level < 1", "suppressed_when": "not in_cast"}},
        )
    )
    line.scan(1, level=0, casting=0)
    line.scan(2, level=0, casting=0)
    return line


def told(line: Rig) -> list[tuple[str, str, float]]:
    return [(one.kind.value, one.rule, one.boot_ns / 1e9) for one in line.events if one.withheld is None]


@pytest.mark.parametrize("by", ["casting", "in_cast"])
def test_a_lost_reading_of_what_suppresses_tells_nothing(by: str) -> None:
    line = resting(by)
    line.scan(3, level=LOST, casting=LOST)
    line.scan(4, level=0, casting=0)
    line.scan(5, level=0, casting=LOST)
    line.scan(6, level=0, casting=0)
    assert told(line) == []


@pytest.mark.parametrize("by", ["casting", "in_cast"])
def test_once_it_is_told_that_nobody_knows_nothing_is_suppressed(by: str) -> None:
    line = resting(by)
    for second in (3, 4, 5, 6):
        line.scan(second, level=0, casting=LOST)
    assert told(line) == [
        ("alarm_raised", "casting.bad", 6),
        ("alarm_repeated", "level.L", 6),
        ("alarm_repeated", "low", 6),
    ]
