"""A device is lost when no group of it answers, and what is told of it is told once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.health import Health
from config.text import text
from config.units import S
from config.vocabulary import Reason
from drivers.contract import Demoted, Desync, DeviceError, DeviceTimeout, LinkDown

SILENT = DeviceTimeout(text("no answer"))
CUT_OFF = LinkDown(text("no connection"))


def told(
    health: Health, scans: list[tuple[int, DeviceError | None]], *, period_ns: int = 1
) -> list[tuple[int, Reason | None]]:
    """Let groups be scanned one after another; return what there was to tell and in which scan."""
    found: list[tuple[int, Reason | None]] = []
    for at, (group, error) in enumerate(scans):
        known = health.absence
        if error is None:
            health.answered(group)
        else:
            health.failed(group, error, at * period_ns)
        if health.absence is not known:
            found.append((at, None if health.absence is None else health.absence.reason))
    return found


def test_a_device_with_one_group_is_lost_with_its_first_failure() -> None:
    assert told(Health(1), [(0, None), (0, SILENT), (0, SILENT), (0, None)]) == [
        (1, Reason.TIMEOUT),
        (3, None),
    ]


def test_a_group_that_fails_while_another_answers_is_no_lost_device() -> None:
    assert told(Health(2), [(0, None), (1, SILENT)] * 1000) == []


@pytest.mark.parametrize("rarely", [3, 7, 60])
def test_a_group_that_fails_beside_a_rare_one_that_answers_is_told_once_at_most(rarely: int) -> None:
    scans = [(0, SILENT) if at % rarely else (1, None) for at in range(1000)]
    assert told(Health(2), scans) == [(2, Reason.TIMEOUT), (rarely, None)]


def test_a_device_is_lost_when_the_last_of_its_groups_fails() -> None:
    health = Health(3)
    assert told(health, [(0, None), (1, None), (2, SILENT), (1, SILENT), (0, SILENT)]) == [
        (4, Reason.TIMEOUT)
    ]
    assert health.absence is not None
    assert health.absence.since_boot_ns == 2
    assert health.scans_bad == 3


def test_a_slow_group_does_not_delay_the_news() -> None:
    health = Health(2)
    assert told(health, [(1, None), (0, None), (0, SILENT), (0, SILENT)]) == [(3, Reason.TIMEOUT)]
    assert health.absence is not None
    assert health.absence.since_boot_ns == 2


def test_a_silent_group_beside_it_hides_no_loss() -> None:
    scans: list[tuple[int, DeviceError | None]] = [(0, None), (1, SILENT)] * 10
    assert told(Health(2), [*scans, (0, CUT_OFF)]) == [(20, Reason.LINK_DOWN)]


@pytest.mark.parametrize(
    ("period_s", "scan"), [(0.2, 151), (1, 31), (10, 4), (60, 3)], ids=["0.2 s", "1 s", "10 s", "60 s"]
)
def test_another_reason_is_told_once_it_has_lasted_for_three_scans_and_half_a_minute(
    period_s: float, scan: int
) -> None:
    health, period_ns = Health(1), round(period_s * S)
    scans: list[tuple[int, DeviceError | None]] = [(0, SILENT), *[(0, CUT_OFF)] * 200]
    assert told(health, scans, period_ns=period_ns) == [(0, Reason.TIMEOUT), (scan, Reason.LINK_DOWN)]
    assert health.absence is not None
    assert (health.absence.since_boot_ns, health.absence.reason_since_boot_ns) == (0, period_ns)
    assert health.absence.cause == CUT_OFF.words
    assert health.scans_bad == 201


@pytest.mark.parametrize("scans", [2, 10, 140])
def test_reasons_that_take_turns_are_told_once(scans: int) -> None:
    turns: list[tuple[int, DeviceError | None]] = [*[(0, SILENT)] * scans, *[(0, CUT_OFF)] * scans]
    assert told(Health(1), turns * 30, period_ns=S // 5) == [(0, Reason.TIMEOUT)]


def test_who_is_not_asked_has_no_new_reason() -> None:
    resting = Demoted(text("not asked"))
    assert told(Health(1), [(0, SILENT), *[(0, resting)] * 10]) == [(0, Reason.TIMEOUT)]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from((None, SILENT, CUT_OFF, Desync(text("x"))))),
        max_size=200,
    )
)
def test_whatever_happens_an_answer_ends_the_absence_and_three_failures_begin_it(
    scans: list[tuple[int, DeviceError | None]],
) -> None:
    health = Health(3)
    last: dict[int, DeviceError | None] = {}
    for at, (group, error) in enumerate(scans):
        told(health, [(group, error)])
        last[group] = error
        if error is None:
            assert health.absence is None
        if len(last) == 3 and None not in last.values():
            assert health.absence is not None, at
