"""A device that misbehaves at one address, in whatever way, loses that address and not itself."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from agent.simulate.modbus import ModbusSimulator
from config.plant import ScanGroup
from config.vocabulary import GOOD, Misconduct, Reason, bad, uncertain
from drivers.contract import DeviceError, Driver
from drivers.modbus.fence import FIRST_RETRY_S, LONGEST_S
from tests.drivers.address_site import PERIOD_S, TIMEOUT_S, Conduct, HungUpError, silent, site
from tests.drivers.virtual_loop import run_virtually

FEW = 16
"""Scans until an address among a hundred is known: 4, one for each halving, and some to spare."""


def one_register(pdu: bytes) -> bytes:
    """Answer with one register, or with two where one was asked for."""
    count = 2 if pdu[3:5] == b"\0\1" else 1
    return bytes((pdu[0], 2 * count)) + bytes(2 * count)


def hangs_up(_pdu: bytes) -> bytes:
    raise HungUpError


def exception(code: int) -> Conduct:
    return lambda pdu: bytes((pdu[0] | 0x80, code))


WAYS = {
    "answers short": (one_register, Misconduct.GARBLED),
    "hangs up": (hangs_up, Misconduct.HUNG_UP),
    "silent": (silent, Misconduct.SILENT),
    "exception 1": (exception(1), 1),
    "exception 4": (exception(4), 4),
    "a code of its own": (exception(0x40), 0x40),
    "silent behind a gateway": (exception(11), 11),
}
each_way = pytest.mark.parametrize(("conduct", "code"), WAYS.values(), ids=list(WAYS))


def only_bad(found: dict[int, int]) -> dict[int, int]:
    """Leave out what is Uncertain after a resync: a fenced address has been tried again."""
    return {at: word for at, word in found.items() if word >= bad(Reason.NONE)}


def fenced(code: int) -> int:
    return bad(Reason.FENCED, detail=code)


@each_way
@pytest.mark.parametrize(
    ("registers", "wrong"),
    [([0, 1, 2, 3, 200], {200}), (list(range(100)), {37}), ([1, 2, 100, 101, 200], {101, 200})],
    ids=["in a block of its own", "among a hundred", "two of them"],
)
def test_a_wrong_address_is_fenced_after_few_scans_and_all_others_are_good(
    registers: list[int], wrong: set[int], conduct: Conduct, code: int
) -> None:
    async def story() -> None:
        async with site(registers, wrong, conduct=conduct) as plant:
            for _ in range(len(wrong) * FEW):
                await plant.scan()
            for _ in range(3):
                assert only_bad(await plant.scan()) == dict.fromkeys(sorted(wrong), fenced(code))

    run_virtually(story())


@each_way
def test_other_blocks_are_lost_for_one_scan_at_most(conduct: Conduct, code: int) -> None:
    async def story() -> None:
        async with site([1, 2, 200, 201], {201}, conduct=conduct) as plant:
            await plant.scan()  # who fails first is taken for the device
            for _ in range(FEW):
                assert not {1, 2} & set(only_bad(await plant.scan()))

    run_virtually(story())


@each_way
def test_a_device_that_does_so_everywhere_has_nothing_fenced_and_is_whole_at_once(
    conduct: Conduct, code: int
) -> None:
    async def story() -> None:
        async with site([1, 2, 100, 101, 200, 201], set(), conduct=conduct) as plant:
            assert await plant.scan() == {}
            plant.wrong = set(range(256))
            for _ in range(60):
                assert set(await plant.scan()) == set(plant.registers)
            plant.wrong = set()
            await plant.scan()
            assert await plant.scan() == {}
            assert plant.drivers["plc"]._fence.cuts == []

    run_virtually(story())


@pytest.mark.parametrize("code", [5, 6])
def test_who_is_busy_at_one_address_is_asked_again_and_never_fenced(code: int) -> None:
    async def story() -> None:
        async with site([1, 2, 200], {200}, conduct=exception(code)) as plant:
            for _ in range(60):
                assert fenced(code) not in (await plant.scan()).values()
            plant.wrong.clear()
            for _ in range(10):  # the longest rest
                await plant.scan()
            assert await plant.scan() == {}

    run_virtually(story())


@each_way
def test_neighbours_on_the_bus_do_not_pay_for_finding_out(conduct: Conduct, code: int) -> None:
    async def story() -> None:
        async with site(list(range(20)), {7}, conduct=conduct, neighbour=True) as plant:
            late = 0
            for _ in range(300):
                found = await plant.scan()
                start_s = asyncio.get_running_loop().time()
                scan = await plant.drivers["other"].scan(plant.plant.groups[1])
                late += asyncio.get_running_loop().time() - start_s > TIMEOUT_S
                assert scan.quality[0] == GOOD
            assert only_bad(found) == {7: fenced(code)}
            assert late == 0

    run_virtually(story())


@each_way
def test_what_is_fenced_costs_no_scan_when_it_is_tried_again(conduct: Conduct, code: int) -> None:
    async def story() -> None:
        async with site([0, 1, 2, 200], {200}, conduct=conduct) as plant:
            for _ in range(FEW):
                await plant.scan()
            for _ in range(int(4 * FIRST_RETRY_S)):
                found = await plant.scan()
                assert found.pop(200) == fenced(code)
                assert not only_bad(found)

    run_virtually(story())


def test_a_device_that_starts_anew_when_it_is_asked_wrongly_is_not_asked_so_for_ever() -> None:
    async def story() -> None:
        async with site([0, 1, 2, 200], {200}) as plant:

            def restart(_pdu: bytes) -> None:
                plant.bus.silent = {1}
                asyncio.get_running_loop().call_later(3, plant.bus.silent.clear)

            plant.conduct = restart
            for _ in range(4 * FEW):
                await plant.scan()
            assert await plant.scan() == {200: fenced(Misconduct.SILENT)}

    run_virtually(story())


def test_finding_out_about_a_hundred_addresses_holds_no_scan_for_long() -> None:
    async def story() -> None:
        wrong = set(range(100, 200))
        async with site([0, *wrong], wrong, conduct=exception(1)) as plant:
            plant.bus.thinking_s = (0.05, 0.06)
            loop, fast = asyncio.get_running_loop(), plant.plant.groups[0]
            for _ in range(40):
                begun_s = loop.time()
                scan = await plant.drivers["plc"].scan(fast)
                assert loop.time() - begun_s < LONGEST_S + 0.3
            assert scan.quality.tolist() == [GOOD] + [fenced(1)] * 100

    run_virtually(story())


def test_a_failure_that_passes_after_hours_is_noticed_within_a_minute() -> None:
    async def story() -> None:
        async with site([0, 200], {200}, conduct=exception(4)) as plant:
            for _ in range(3 * 3600):
                await plant.scan()
            assert await plant.scan() == {200: fenced(4)}
            plant.wrong.clear()
            for _ in range(int(FIRST_RETRY_S) + 5):
                found = await plant.scan()
            assert found == {}

    run_virtually(story())


def test_what_fails_while_a_refusal_is_looked_into_costs_no_complete_scan() -> None:
    """Address 7 is refused as it should be; at 3 the device hangs up as soon as it is asked without 7."""

    def hangs_up_alone(pdu: bytes) -> bytes:
        start, count = (int.from_bytes(pdu[at : at + 2], "big") for at in (1, 3))
        if start <= 7 < start + count:
            return bytes((pdu[0] | 0x80, 2))
        raise HungUpError

    async def story() -> None:
        async with site([3, 4, 7, 8, 200], {3, 7}, conduct=hangs_up_alone) as plant:
            for _ in range(2 * FEW):
                assert 200 not in only_bad(await plant.scan())
            assert only_bad(await plant.scan()) == {3: fenced(Misconduct.HUNG_UP), 7: fenced(2)}

    run_virtually(story())


@each_way
def test_a_scan_group_of_wrong_addresses_is_fenced_while_another_group_is_good(
    conduct: Conduct, code: int
) -> None:
    async def story() -> None:
        async with site([0], {50, 51}, conduct=conduct, neighbour=True, slow=(50, 51)) as plant:
            driver, slow = plant.drivers["plc"], plant.plant.groups[1]
            lost = 0
            for _ in range(300):
                assert not only_bad(await plant.scan())
                try:
                    words = (await driver.scan(slow)).quality.tolist()
                except DeviceError:
                    lost += 1
            assert words == [fenced(code), fenced(code)]
            assert lost <= 1  # who fails first is taken for the device
            assert driver.counters.timeouts * TIMEOUT_S <= 0.02 * 300 * PERIOD_S
            assert driver.link.demotion.dead == []

    run_virtually(story())


def test_the_first_group_being_silent_hides_nothing_of_the_second() -> None:
    """The silent group is read ten times before the other for the first time; its unit is taken for dead."""

    async def story() -> None:
        async with site([50, 51], {50, 51}, neighbour=True, slow=(0,)) as plant:
            driver, slow = plant.drivers["plc"], plant.plant.groups[1]
            for scan in range(400):
                await plant.scan()
                await plant.drivers["other"].scan(plant.plant.groups[2])
                if scan % 10 == 9:
                    words = await _qualities(driver, slow)
            assert words == [GOOD]
            assert await plant.scan() == dict.fromkeys((50, 51), fenced(Misconduct.SILENT))

    run_virtually(story())


async def _qualities(driver: Driver, group: ScanGroup) -> list[int]:
    try:
        return (await driver.scan(group)).quality.tolist()
    except DeviceError as error:
        return [error.quality]


def test_the_first_answer_after_a_doubt_is_marked_though_a_sign_of_life_came_before_it() -> None:
    async def story() -> None:
        async with site([3], set(), conduct=one_register) as plant:
            assert await plant.scan() == {}
            plant.wrong = {3}
            assert await plant.scan() == {3: bad(Reason.DESYNC)}
            plant.wrong = set()
            assert await plant.scan() == {3: uncertain(Reason.RESYNC)}
            assert await plant.scan() == {}

    run_virtually(story())


@pytest.mark.parametrize("conduct", [one_register, hangs_up], ids=["garbled", "dropped"])
def test_noise_that_passes_leaves_nothing_fenced_for_longer_than_it_lasted(conduct: Conduct) -> None:
    async def story() -> None:
        random = Random(1)

        def now_and_then(pdu: bytes) -> bytes | None:
            return (
                conduct(pdu) if random.random() < 0.5 else ModbusSimulator.answer(plant.bus.simulator, 1, pdu)
            )

        async with site([1, 2, 100, 200], {1, 2, 100, 200}, conduct=now_and_then) as plant:
            for _ in range(100):
                await plant.scan()
            plant.wrong.clear()
            for _ in range(100):
                found = await plant.scan()
            assert found == {}

    run_virtually(story())
