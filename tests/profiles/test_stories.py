"""Every scripted plant: exactly the expected events, in order, at their times."""

from __future__ import annotations

import pytest

from filters.kernels import Kernels, twins
from tests.profiles.story import names, read, tell

PLANTS = sorted({name.partition("/")[0] for name in names()})


def expected(plant: str, title: str) -> list[str]:
    (story,) = (story for story in read(plant)["stories"] if story["name"] == title)
    lines: list[str] = story["expect"]
    return lines


@pytest.mark.parametrize("name", names())
def test_a_story_is_told_as_expected(name: str, compiled: Kernels) -> None:
    plant, _, title = name.partition("/")
    assert tell(name, compiled) == expected(plant, title)


@pytest.mark.parametrize("name", names())
def test_a_story_told_again_is_the_same(name: str, compiled: Kernels) -> None:
    assert tell(name, compiled) == tell(name, twins())


@pytest.mark.parametrize("plant", PLANTS)
def test_normal_operation_raises_no_alarm(plant: str) -> None:
    assert {line.split()[1] for line in expected(plant, "normal")} == {"interlock_armed"}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_process_that_stops_and_starts_in_order_raises_no_alarm(plant: str) -> None:
    heard = [line for line in expected(plant, "stops_and_starts") if "withheld=suppressed" not in line]
    assert {line.split()[1] for line in heard} <= {
        "interlock_armed",
        "interlock_disarmed",
        "interlock_bypassed",
        "interlock_bypass_ended",
    }


@pytest.mark.parametrize("plant", PLANTS)
def test_what_happens_in_maintenance_is_not_told(plant: str) -> None:
    begun = [line for line in expected(plant, "maintenance") if not line.split()[1].endswith("_armed")]
    *during, ended = begun
    assert ended.split()[1] == "maintenance_ended"
    assert during
    assert all("withheld=maintenance" in line for line in during)
