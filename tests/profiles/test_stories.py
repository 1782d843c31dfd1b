"""Every scripted plant: exactly the expected events, in order, at their times."""

from __future__ import annotations

import pytest

from filters.kernels import Kernels, twins
from tests.profiles.story import names, read, tell


@pytest.mark.parametrize("name", names())
def test_a_story_is_told_as_expected(name: str, compiled: Kernels) -> None:
    plant, _, title = name.partition("/")
    (story,) = (story for story in read(plant)["stories"] if story["name"] == title)
    assert tell(name, compiled) == story["expect"]


@pytest.mark.parametrize("name", names())
def test_a_story_told_again_is_the_same(name: str, compiled: Kernels) -> None:
    assert tell(name, compiled) == tell(name, twins())


@pytest.mark.parametrize("plant", sorted({name.partition("/")[0] for name in names()}))
def test_normal_operation_raises_no_alarm(plant: str) -> None:
    (normal,) = (story for story in read(plant)["stories"] if story["name"] == "normal")
    assert {line.split()[1] for line in normal["expect"]} == {"interlock_armed"}
