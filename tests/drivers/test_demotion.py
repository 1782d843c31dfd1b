"""Dead units cost their neighbours little, and are noticed in time when they come back."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.text import text
from drivers.contract import Demoted, DeviceRefused, DeviceTimeout
from drivers.modbus.admission import Admission
from drivers.modbus.demotion import GRACE, Demotion, revival_s

SHARE, COST_S = 0.02, 1.1
SILENT = DeviceTimeout(text("no answer within {seconds} s", seconds=1))


class Link:
    """Units that are asked once in every period, one after another, in virtual time."""

    def __init__(self, units: int, dead: set[int], period_s: float = 2.0, share: float = SHARE) -> None:
        self.demotion = Demotion(share, COST_S)
        self.units = range(1, units + 1)
        self.dead = dead
        self.period_s = period_s
        self.now_s = 0.0
        self.spent_s = 0.0
        self.answered_s = dict.fromkeys(self.units, 0.0)

    def scan(self) -> None:
        next_s = self.now_s + self.period_s
        for unit in self.units:
            if not self.demotion.admits(unit, self.now_s):
                continue
            if unit in self.dead:
                self.now_s += COST_S
                self.spent_s += COST_S
                self.demotion.unanswered(unit, self.now_s)
            else:
                self.now_s += 0.03
                self.answered_s[unit] = self.now_s
                self.demotion.answered(unit)
        self.now_s = max(self.now_s, next_s)

    def run(self, for_s: float) -> float:
        """Scan for a time; return the share of it that dead units took."""
        start_s, self.spent_s = self.now_s, 0.0
        while self.now_s < start_s + for_s:
            self.scan()
        return self.spent_s / (self.now_s - start_s)

    def revive(self, unit: int) -> float:
        """Let a unit answer; return after what time that was noticed."""
        self.dead.discard(unit)
        start_s = self.now_s
        while self.answered_s[unit] <= start_s:
            self.scan()
        return self.answered_s[unit] - start_s


@pytest.mark.parametrize("dead", [1, 3, 20])
def test_dead_units_cost_no_more_than_their_share(dead: int) -> None:
    link = Link(32, set(range(1, dead + 1)))
    link.run(60)
    assert link.run(3600) <= 1.01 * SHARE


@settings(max_examples=10)
@given(st.integers(2, 32), st.integers(0, 2**31), st.sampled_from([0.005, 0.02, 0.1]))
def test_a_unit_that_comes_back_is_noticed_within_the_bound(units: int, seed: int, share: float) -> None:
    random = Random(seed)
    dead = set(random.sample(range(1, units + 1), random.randrange(1, units)))
    link = Link(units, dead, share=share)
    link.run(random.uniform(0, 200))
    for unit in random.sample(sorted(dead), len(dead)):
        bound_s = revival_s(len(link.dead), share, COST_S, link.period_s + 0.03 * units)
        assert link.revive(unit) <= bound_s


def test_a_short_absence_is_noticed_much_sooner() -> None:
    link = Link(32, set())
    link.run(600)
    link.dead.add(7)
    link.run(6)
    assert link.revive(7) <= 4 * COST_S + link.period_s


def test_one_unanswered_question_demotes_nobody() -> None:
    demotion = Demotion(SHARE, COST_S)
    demotion.answered(1)
    for second in range(100):
        demotion.answered(2)
        demotion.unanswered(2, second)
        assert demotion.admits(2, second)
    assert demotion.dead == []


def test_the_last_unit_of_a_link_is_asked_in_every_scan() -> None:
    link = Link(1, {1})
    assert link.run(100) > 0.5
    assert link.revive(1) <= link.period_s


def test_when_a_whole_bus_comes_back_nobody_waits() -> None:
    link = Link(32, set())
    link.run(100)
    link.dead.update(link.units)
    link.run(3600)
    link.dead.clear()
    start_s = link.now_s
    for _ in range(2):
        link.scan()
    assert min(link.answered_s.values()) >= start_s


def test_a_unit_that_comes_and_goes_has_no_second_grace() -> None:
    demotion = Demotion(SHARE, COST_S)
    demotion.answered(1)
    for _ in range(GRACE):
        demotion.unanswered(2, 0.0)
    demotion.answered(2)
    demotion.unanswered(2, 100.0)
    assert demotion.dead == [2]
    assert not demotion.admits(2, 100.0)


def test_what_is_not_asked_says_so_and_what_a_gateway_says_counts() -> None:
    admission = Admission(Demotion(SHARE, COST_S))
    admission.answered(1)
    admission.failed(2, SILENT, 1.0)
    admission.failed(2, DeviceRefused(text("refused"), detail=11), 2.0)
    with pytest.raises(Demoted):
        admission.require(2, 2.0)
    admission.require(1, 2.0)


@pytest.mark.parametrize("code", [5, 6])
def test_a_busy_unit_is_left_alone_ever_longer_but_never_for_long(code: int) -> None:
    admission, busy = Admission(Demotion(SHARE, COST_S)), DeviceRefused(text("busy"), detail=code)
    asked: list[int] = []
    for tenth in range(300):
        with suppress(DeviceRefused):
            admission.require(1, tenth / 10)
            asked.append(tenth)
            admission.failed(1, busy, tenth / 10)
    with pytest.raises(DeviceRefused) as refusal:
        admission.require(1, 29.9)
    assert refusal.value.detail == code
    rests = [after - before for before, after in pairwise(asked)]
    assert rests[0] == 1
    assert rests == sorted(rests)
    assert rests[-1] == 40
    admission.answered(1)
    admission.require(1, 30.0)


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_other_refusals_make_no_pause(code: int) -> None:
    admission = Admission(Demotion(SHARE, COST_S))
    for _ in range(5):
        admission.failed(1, DeviceRefused(text("no"), detail=code), 0.0)
        admission.require(1, 0.0)


@pytest.mark.parametrize("dead", [0, 1, 10])
def test_a_risky_question_comes_after_the_dead_but_comes(dead: int) -> None:
    demotion = Demotion(SHARE, COST_S)
    demotion.answered(1)
    demotion.answered(2)
    for unit in range(10, 10 + dead):
        for _ in range(GRACE):
            demotion.unanswered(unit, 0.0)
    assert not demotion.affords(1, 0.0)
    wait_s = (dead + 1) * COST_S / SHARE
    assert not demotion.affords(1, 0.9 * wait_s)
    assert demotion.affords(1, 1.1 * wait_s)
    demotion.risked(1, 1.1 * wait_s)
    assert not demotion.affords(1, 1.1 * wait_s)
    assert demotion.affords(2, 1.1 * wait_s) is False


def test_alone_on_a_link_everything_may_be_risked() -> None:
    demotion = Demotion(SHARE, COST_S)
    demotion.answered(1)
    demotion.risked(1, 0.0)
    assert demotion.affords(1, 0.0)
