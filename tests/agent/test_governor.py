"""The governor sheds what the processor cannot do, and no more."""

import pytest

from agent.governor import Governor, next_level


def test_a_loop_that_never_waits_but_misses_nothing_sheds_nothing() -> None:
    assert next_level(1.0, busy_share=1.0, missed_share=0.0) == 1.0


def test_missed_instants_without_a_busy_loop_are_the_devices_own() -> None:
    assert next_level(1.0, busy_share=0.3, missed_share=0.5) == 1.0


def test_a_full_loop_that_misses_instants_sheds_until_it_misses_none() -> None:
    level, asked, capacity = 1.0, 3.0, 1.0
    for _ in range(8):
        missed = max(0.0, 1 - capacity / (asked / level))
        level = next_level(level, busy_share=min(1.0, asked / level / capacity), missed_share=missed)
    assert 0.8 <= asked / level / capacity <= 1.0


def test_the_level_falls_back_when_there_is_room() -> None:
    level = 8.0
    for _ in range(20):
        level = next_level(level, busy_share=0.04, missed_share=0.0)
    assert level == 1.0


@pytest.mark.parametrize("level", [1.0, 1.5, 2.25, 7.875])
def test_a_fraction_of_the_groups_carries_the_fraction_of_the_level(level: float) -> None:
    governor = Governor(idle_ns=lambda: 0, level=level)
    assert sum(governor.stride(group) for group in range(64)) == 64 * level
