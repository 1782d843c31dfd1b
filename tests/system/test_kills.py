"""SIGKILL at random moments under load: what was stored arrives, once, and nothing else is missing."""

from __future__ import annotations

import os
import time
from collections import Counter
from random import Random, randrange

import pytest

from tests.system.field import registers_at
from tests.system.receiver import Receiver, as_ranges
from tests.system.station import Station

DEVICES = [f"plc{number}" for number in range(10)]
LONGEST_LIFE_S = 2.5
AT_RISK_S = 5.0
"""Age of what a kill may take: the commit interval (250 ms), a sync, and whatever else the machine does."""

UNHEARD_S = 0.2
"""So long after a kill may a device still come to a question; the next agent is not there before."""


def test_three_kills_take_nothing_that_was_stored(station: Station) -> None:
    kill_under_load(station, seed=7, kills=3)


@pytest.mark.torture
def test_many_kills_take_nothing_that_was_stored(station: Station) -> None:
    seed = int(os.environ.get("TORTURE_SEED") or randrange(2**32))
    kill_under_load(station, seed=seed, kills=int(os.environ.get("TORTURE_N", "20")))


def kill_under_load(station: Station, *, seed: int, kills: int) -> None:
    """Kill an agent again and again, stop it in order at last, and compare all accounts."""
    print(f"TORTURE_SEED={seed}")
    random = Random(seed)
    agent = station.agent(station.describe(*DEVICES))
    killed_at_s = []
    agent.start().ready()
    for kill in range(kills):
        time.sleep(random.uniform(0, LONGEST_LIFE_S))  # the moment is the experiment
        agent.kill()
        killed_at_s.append(time.monotonic())
        agent.start()
        if kill % 2:
            agent.ready()  # the other half may die while it starts
    agent.ready()
    station.delivering(*DEVICES)
    station.end(agent)
    receiver = station.receiver
    assert_every_run_said_where_the_run_before_it_ended(receiver, kills)
    assert_each_runs_account_is_what_arrived(receiver)
    for device in DEVICES:
        assert_no_reading_is_missing_but_what_a_kill_took(station, device, killed_at_s)
    assert_every_scan_is_of_one_piece(receiver)


def assert_every_run_said_where_the_run_before_it_ended(receiver: Receiver, kills: int) -> None:
    """The receiver's book knows no holes only up to the ends that it was told."""
    told = [event["figures"].get("previous_run") for event in receiver.events("agent_started")]
    assert len(told) == len(set(told))
    assert receiver.runs() - set(told) == {receiver.statuses[-1]["run"]}
    assert len(receiver.gaps()) == len(receiver.runs()) - 1 <= kills


def assert_each_runs_account_is_what_arrived(receiver: Receiver) -> None:
    gateway = next(iter(receiver.book.summary()["gateways"].values()))
    claimed = {run: found["claim"]["recorded"] for run, found in gateway["runs"].items() if "claim" in found}
    arrived = {run: gateway["runs"][run]["readings"]["readings"] for run in claimed}
    assert arrived == claimed
    assert gateway["losses"] == {}


def assert_no_reading_is_missing_but_what_a_kill_took(
    station: Station, device: str, killed_at_s: list[float]
) -> None:
    """The device counts how often it was read, so every reading has a number that arrives exactly once.

    One that came later than the agent waited for it arrives as Bad instead, without its number.
    """
    unit, receiver = station.units[device], station.receiver
    arrived = receiver.counters(device)
    assert [number for number, times in Counter(arrived).items() if times > 1] == []
    missing = sorted(set(range(1, unit.reads)) - set(arrived))  # the stop may have cut off the very last
    unexplained = [
        number
        for number in missing
        if not any(-UNHEARD_S <= killed_s - unit.read_at_s[number] <= AT_RISK_S for killed_s in killed_at_s)
    ]
    late = Counter(receiver.unread(device))
    assert len(unexplained) <= late.total(), f"{device}: no kill took {as_ranges(unexplained)}; late: {late}"
    for run in receiver.runs():
        assert len(as_ranges(receiver.counters(device, run))) <= 1 + late[run], f"{device}: a hole in {run}"


def assert_every_scan_is_of_one_piece(receiver: Receiver) -> None:
    for scan in receiver.scans:
        reads, *others = scan.raw.values()
        assert reads is not None
        assert others == registers_at(int(reads)).tolist()
