"""A device that falls silent at one address loses that address, and not itself."""

from __future__ import annotations

import asyncio
import logging
import socket
from itertools import pairwise
from pathlib import Path

import pytest

from config.faults import Place
from config.links import ModbusTcpLink
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import Demoted, DriverCounters, LinkDown
from drivers.modbus.demotion import GRACE
from drivers.modbus.fence import FIRST_RETRY_S, Effort, Fence, find_refused
from drivers.modbus.frame import ReadRequest
from drivers.modbus.guard import GuardedLink
from drivers.modbus.herald import Herald
from drivers.modbus.planner import Block, Range, block_of
from tests.drivers.address_site import PERIOD_S, TIMEOUT_S, site
from tests.drivers.contract_suite import tag_of
from tests.drivers.virtual_loop import run_virtually

FENCED = bad(Reason.FENCED)


@pytest.mark.parametrize("mute", [{37}, {0}, {99}, {10, 60}])
def test_a_silent_address_among_a_hundred_costs_only_itself(mute: set[int]) -> None:
    async def story() -> None:
        async with site(list(range(100)), mute) as plant:
            for _ in range(40):
                await plant.scan()
            for _ in range(3):
                assert await plant.scan() == dict.fromkeys(sorted(mute), FENCED)

    run_virtually(story())


def test_a_silent_address_beside_other_blocks_never_costs_those() -> None:
    async def story() -> None:
        async with site([1, 2, 3, 100, 101, 102], {101}) as plant:
            await plant.scan()  # who is silent first is taken for the device
            for _ in range(15):
                assert {at for at, word in (await plant.scan()).items() if word >= bad(Reason.NONE)} <= {
                    100,
                    101,
                    102,
                }
            assert await plant.scan() == {101: FENCED}

    run_virtually(story())


def test_on_a_shared_bus_the_neighbours_do_not_pay_for_finding_out() -> None:
    async def story() -> None:
        async with site(list(range(20)), {7}, neighbour=True) as plant:
            late_s = []
            for _ in range(300):
                found = await plant.scan()
                start_s = asyncio.get_running_loop().time()
                scan = await plant.drivers["other"].scan(plant.plant.groups[1])
                late_s.append(asyncio.get_running_loop().time() - start_s)
                assert scan.quality[0] == GOOD
            assert found == {7: FENCED}
            assert sum(late > TIMEOUT_S for late in late_s) == 0
            assert plant.drivers["plc"].counters.timeouts * TIMEOUT_S <= 0.02 * 300 * PERIOD_S

    run_virtually(story())


def test_a_silent_address_that_comes_to_life_is_read_again() -> None:
    async def story() -> None:
        async with site(list(range(10)), {4}) as plant:
            for _ in range(25):
                await plant.scan()
            assert await plant.scan() == {4: FENCED}
            plant.wrong.clear()
            for _ in range(int(FIRST_RETRY_S) + 5):
                await plant.scan()
            assert await plant.scan() == {}

    run_virtually(story())


def test_a_device_that_is_dead_for_a_time_has_nothing_fenced_and_is_whole_at_once() -> None:
    async def story() -> None:
        async with site([1, 2, 100, 101, 200, 201], set()) as plant:
            assert await plant.scan() == {}
            plant.bus.silent = {1}
            for _ in range(30):
                assert set(await plant.scan()) == set(plant.registers)
            plant.bus.silent = set()
            await plant.scan()
            assert await plant.scan() == {}
            assert plant.drivers["plc"]._fence.cuts == []

    run_virtually(story())


def test_the_journal_names_the_line_of_the_point_table(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with site(list(range(10)), {4}) as plant:
            plant.bus.simulator.units[1].illegal = {(3, 7)}
            for _ in range(25):
                await plant.scan()

    caplog.set_level(logging.INFO, "fengsui")
    run_virtually(story())
    told = {record.getMessage(): record.facts for record in caplog.records}
    assert told["the device falls silent at this address"] == {
        "device": "plc",
        "tag": "r4",
        "address": "hr:4",
        "at": Place(Path("points.csv"), 6),
    }
    refused = told["address refused by the device"]
    assert (refused["at"], refused["exception"]) == (Place(Path("points.csv"), 9), 2)


def test_a_device_that_serves_nothing_is_told_in_short(caplog: pytest.LogCaptureFixture) -> None:
    herald = Herald(
        "plc", [(Range(3, at, at + 1), tag_of("r", "hr:0"), Place(Path("p"))) for at in range(50)]
    )
    for at in range(50):
        herald.fenced(Range(3, at, at + 1), 2)
    herald.tell()
    assert len(caplog.records) == 11
    assert caplog.records[-1].facts == {"device": "plc", "count": 40}
    herald.tell()
    assert len(caplog.records) == 11


async def test_finding_out_stops_in_time_and_goes_on_where_it_stopped() -> None:
    """A device that takes 0.3 s for each refusal must not hold its scan group."""
    clock = [0.0]
    fence = Fence(Herald("plc", []))
    blocks = [block_of([Range(3, at, at + 1) for at in range(64)])]

    async def ask(block: Block) -> int:
        clock[0] += 0.3
        return 2 if block.start <= 50 < block.start + block.count else 0

    for _ in range(20):
        start_s = clock[0]
        for block in blocks:
            if await ask(block) == 2:
                await find_refused(block, 2, fence, ask, Effort(start_s + 1.0), lambda: clock[0])
        assert clock[0] - start_s <= 1.0 + 0.3 * (len(blocks) + 2)
        cuts = sorted({0, 64, *(cut.address for cut in fence.cuts)})
        if fence.code_of(Range(3, 50, 51)) is None:
            spans = [range(low, high) for low, high in pairwise(cuts)]
            blocks = [block_of([Range(3, at, at + 1) for at in span]) for span in spans]
    assert fence.code_of(Range(3, 50, 51)) == 2


async def test_a_risky_question_waits_for_what_the_link_has_saved() -> None:
    link = GuardedLink(ModbusTcpLink(type="modbus-tcp", host="127.0.0.1", port=1))
    link.demotion.answered(2)
    request = ReadRequest(unit_id=1, function_code=3, address=0, count=1)
    counters = DriverCounters()
    with pytest.raises(Demoted):
        await link.read(request, counters, risky=True)
    assert (counters.requests, counters.connects, counters.unasked) == (0, 0, 1)


async def test_whom_a_link_does_not_ask_is_cut_off_with_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    link = GuardedLink(ModbusTcpLink(type="modbus-tcp", host="127.0.0.1", port=port))
    link.demotion.answered(2)
    for _ in range(GRACE):
        link.demotion.unanswered(1, asyncio.get_running_loop().time())
    for unit_id, failure in ((1, Demoted), (2, LinkDown), (1, LinkDown)):
        request = ReadRequest(unit_id=unit_id, function_code=3, address=0, count=1)
        with pytest.raises(failure):
            await link.read(request, DriverCounters())
