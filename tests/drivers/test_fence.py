"""One address that a device refuses costs its own tags, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from agent.simulate.modbus import ModbusSimulator, Unit, serve
from agent.simulate.rudeness import Manner
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import DeviceRefused
from drivers.modbus.fence import FIRST_RETRY_S, LONGEST_RETRY_S, MOST_QUESTIONS, Fence
from drivers.modbus.herald import Herald
from drivers.modbus.planner import Place, Range
from tests.drivers.contract_suite import Bench, plant_of, tag_of
from tests.drivers.virtual_loop import run_virtually

FENCED_2 = bad(Reason.FENCED, detail=2)


@dataclass
class Site:
    unit: Unit
    simulator: ModbusSimulator
    bench: Bench

    async def qualities(self) -> dict[int, int]:
        """Scan; return the qualities that are not Good, by register."""
        scan = await self.bench.scan()
        addresses = [int(tag.address[3:]) for tag in self.bench.plant.tags_of(self.bench.fast)]
        good = scan.quality == GOOD
        assert (scan.raw[good] == np.array(addresses)[good]).all()
        assert np.isnan(scan.raw[~good]).all()
        return {at: int(word) for at, word in zip(addresses, scan.quality, strict=True) if word != GOOD}

    async def requests_of_a_scan(self) -> int:
        before = self.simulator.counts.requests
        await self.bench.scan()
        return self.simulator.counts.requests - before


@asynccontextmanager
async def site(addresses: list[int], illegal: set[int], max_words: int = 125) -> AsyncIterator[Site]:
    """A device whose register n holds n."""
    unit = Unit(1000, max_words)
    unit.holding[:] = np.arange(1000)
    unit.illegal = {(3, address) for address in illegal}
    tags = [tag_of(f"r{address}", f"hr:{address}") for address in addresses]
    tags.append(tag_of("other", "hr:0", scan_class="slow"))
    async with serve({1: unit}) as simulator:
        link = {"type": "modbus-tcp", "host": "127.0.0.1", "port": simulator.port}
        bench = Bench(plant_of(link, tags))
        yield Site(unit, simulator, bench)
        await bench.driver.close()
        assert not simulator.counts.writes


async def test_one_illegal_register_among_a_hundred_costs_only_itself() -> None:
    async with site(list(range(100)), {37}) as plant:
        assert await plant.qualities() == {37: FENCED_2}
        assert await plant.qualities() == {37: FENCED_2}
        assert await plant.requests_of_a_scan() == 2


async def test_several_illegal_registers_are_all_found() -> None:
    async with site(list(range(100)), {0, 41, 42, 99}) as plant:
        for _ in range(2):
            assert await plant.qualities() == dict.fromkeys((0, 41, 42, 99), FENCED_2)
        assert await plant.requests_of_a_scan() == 2


async def test_an_illegal_register_between_two_wanted_ones_costs_nobody() -> None:
    async with site([10, 11, 20, 21], {15}) as plant:
        for _ in range(2):
            assert await plant.qualities() == {}
        assert await plant.requests_of_a_scan() == 2


async def test_a_device_that_takes_fewer_words_than_told_is_read_in_smaller_blocks() -> None:
    async with site(list(range(100)), set(), max_words=60) as plant:
        for _ in range(2):
            assert await plant.qualities() == {}
        assert await plant.requests_of_a_scan() == 2


async def test_finding_out_is_spread_over_scans_and_comes_to_an_end() -> None:
    async with site(list(range(100)), set(range(100))) as plant:
        requests = [await plant.requests_of_a_scan() for _ in range(8)]
        assert max(requests) <= MOST_QUESTIONS + 20
        assert requests[-1] == 0
        assert await plant.qualities() == dict.fromkeys(range(100), FENCED_2)


async def test_another_exception_fences_nothing() -> None:
    async with site([1, 2, 500], set()) as plant:
        manners = iter([Manner.EXCEPTION, Manner.POLITE])
        plant.simulator.choose = lambda: next(manners, Manner.POLITE)
        first = await plant.qualities()
        assert set(first) == {1, 2}
        assert {word & 0xFFFF for word in first.values()} == {bad(Reason.REFUSED) & 0xFFFF}
        assert await plant.qualities() == {}


async def test_a_gateway_without_the_device_behind_it_loses_the_device_with_one_question() -> None:
    async with site([1, 500], set()) as plant:
        plant.simulator.units.clear()
        with pytest.raises(DeviceRefused) as caught:
            await plant.bench.scan()
        assert caught.value.quality == bad(Reason.REFUSED, detail=11)
        assert plant.simulator.counts.requests == 1


async def test_one_exception_out_of_the_blue_fences_nothing() -> None:
    async with site([1], set()) as plant:
        plant.unit.illegal = {(3, 1)}
        plant.simulator.choose = lambda: plant.unit.illegal.clear() or Manner.POLITE
        assert set(await plant.qualities()) == {1}
        assert await plant.qualities() == {}


def test_a_fenced_register_that_comes_back_is_read_again_after_the_wait() -> None:
    async def story() -> None:
        async with site(list(range(50)), {7, 9}) as plant:
            await plant.qualities()
            plant.unit.illegal.clear()
            assert await plant.qualities() == {7: FENCED_2, 9: FENCED_2}
            await asyncio.sleep(FIRST_RETRY_S)
            await plant.qualities()
            assert await plant.qualities() == {}
            assert await plant.requests_of_a_scan() == 1

    run_virtually(story())


def test_a_device_that_refused_everything_for_hours_is_read_again_within_a_minute() -> None:
    async def story() -> None:
        async with site(list(range(50)), set(range(50))) as plant:
            for _ in range(4 * 360):
                await plant.qualities()
                await asyncio.sleep(10)
            assert await plant.requests_of_a_scan() <= 1
            plant.unit.illegal.clear()
            for _ in range(7):
                await asyncio.sleep(10)
                found = await plant.qualities()
            assert found == {}

    run_virtually(story())


def test_a_fenced_range_is_asked_for_rarely_and_ever_more_rarely() -> None:
    fence, bad_range = Fence(Herald("d", [])), Range(3, 7, 8)
    fence.add(bad_range, code=2, now_s=0.0)
    asked = [second for second in range(24 * 3600) if fence.take_due(float(second)) is not None]
    waits = [after - before for before, after in zip([0, *asked], asked, strict=False)]
    assert waits[:3] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S]
    assert set(waits[6:]) == {LONGEST_RETRY_S}


def test_a_fence_cuts_before_and_behind_what_it_keeps_out() -> None:
    fence = Fence(Herald("d", []))
    fence.add(Range(3, 10, 12), code=2, now_s=0.0)
    fence.add(Range(3, 4, 5), code=3, now_s=0.0)
    assert fence.cuts == [Place(3, 4), Place(3, 5), Place(3, 10), Place(3, 12)]
    assert fence.code_of(Range(3, 4, 5)) == 3
    assert fence.code_of(Range(3, 4, 6)) is None
    fence.clear()
    assert fence.cuts == []
