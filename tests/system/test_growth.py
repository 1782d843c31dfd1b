"""What comes and goes leaves nothing behind: descriptors, threads, memory."""

from __future__ import annotations

import psutil

from agent.simulate.rudeness import Manner
from tests.system.program import Agent
from tests.system.station import ARRIVE_S, Station
from tests.system.waiting import until

ROUNDS = 12
DEVICES = ("a", "b", "c")
SOME_DESCRIPTORS = 3
"""A segment being finished, a question being answered, a connection being made."""
SOME_BYTES = 30_000_000


def test_devices_and_platforms_that_come_and_go_leave_nothing_behind(station: Station) -> None:
    relay = station.field.relay(station.broker.port)
    agent = station.agent(station.describe(*DEVICES, period="50ms").mqtt(relay.port)).start().ready()
    station.delivering(*DEVICES)
    process = psutil.Process(agent.pid)
    descriptors, threads = process.num_fds(), process.num_threads()
    memory_bytes = process.memory_info().rss
    simulators = list(station.field.simulators.values())
    for lost in range(1, ROUNDS + 1):
        for simulator in simulators:
            simulator.choose = lambda: Manner.CLOSE
        until(lambda: answering(agent) == 0, ARRIVE_S, "the devices are lost")
        for simulator in simulators:
            simulator.choose = None
        until(lambda: answering(agent) == len(DEVICES), ARRIVE_S, "the devices are back")
        if lost % 4 == 0:
            station.field.do(relay.cut)
            until(lambda: not connected(agent), ARRIVE_S, "the uplink is lost")
            station.field.do(relay.mend)
            until(lambda: connected(agent), ARRIVE_S, "the uplink is back")
    station.delivering(*DEVICES)
    assert process.num_fds() <= descriptors + SOME_DESCRIPTORS
    assert process.num_threads() <= threads
    assert process.memory_info().rss <= memory_bytes + SOME_BYTES
    station.end(agent)
    assert len(station.receiver.events("device_lost")) == ROUNDS * len(DEVICES)


def answering(agent: Agent) -> int:
    return sum(device["answers"] for device in agent.ask()["devices"])


def connected(agent: Agent) -> bool:
    return bool(agent.ask()["uplinks"][0]["connected"])
