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
