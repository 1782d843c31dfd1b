"""A device that misbehaves at some of its addresses, on a bus at its own pace, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.simulate.modbus import Unit
from config.faults import Place
from config.models import Description
from config.plant import Plant, number_tags
from config.vocabulary import GOOD
from drivers.contract import DeviceError
from drivers.registry import make_drivers
from tests.drivers.contract_suite import tag_of
from tests.drivers.paced_bus import PacedBus, paced_bus

PERIOD_S = 1.0
TIMEOUT_S = 0.2
REGISTERS = 256


class HungUpError(Exception):
    """Raised by a `Conduct` in place of an answer: the connection ends."""


Conduct = Callable[[bytes], bytes | None]
"""What a question (PDU) about a wrong address brings: a PDU, or nothing at all."""


def silent(_pdu: bytes) -> None:
    return None


@dataclass
class Site:
    """`wrong`: registers at which unit 1 does not answer as it should; `conduct`: what it does instead."""

    plant: Plant
    bus: PacedBus
    wrong: set[int]
    conduct: Conduct

    async def scan(self) -> dict[int, int]:
        """Scan at the next instant; return the qualities that are not Good, by register."""
        await asyncio.sleep(PERIOD_S)
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        group = self.plant.groups[0]
        try:
            scan = await self.drivers["plc"].scan(group)
        except DeviceError as error:
            return dict.fromkeys(self.registers, error.quality)
        finally:
            assert loop.time() - start_s < 3 * TIMEOUT_S  # one timeout a scan, whatever is at fault
        good = scan.quality == GOOD
        assert (scan.raw[good] == np.array(self.registers)[good]).all()
        return {at: int(word) for at, word in zip(self.registers, scan.quality, strict=True) if word != GOOD}

    def __post_init__(self) -> None:
        self.drivers = make_drivers(self.plant)
        self.registers = [int(tag.address[3:]) for tag in self.plant.tags_of(self.plant.groups[0])]


@asynccontextmanager
async def site(
    registers: list[int],
    wrong: set[int],
    *,
    conduct: Conduct = silent,
    neighbour: bool = False,
    slow: tuple[int, ...] = (),
) -> AsyncIterator[Site]:
    """Serve unit 1, whose register n holds n. `slow`: registers of a second scan group."""
    unit = Unit(REGISTERS)
    unit.holding[:] = np.arange(REGISTERS)
    async with paced_bus({1: unit, 2: Unit(8)}, baud=115200, thinking_s=(0.001, 0.002)) as (bus, port):
        found = Site(_plant(port, registers, slow, neighbour=neighbour), bus, set(wrong), conduct)
        answer = bus.simulator.answer

        def answer_or_not(unit_id: int, pdu: bytes) -> bytes | None:
            start, count = (int.from_bytes(pdu[at : at + 2], "big") for at in (1, 3))
            if unit_id != 1 or not found.wrong & set(range(start, start + count)):
                return answer(unit_id, pdu)
            try:
                return found.conduct(pdu)
            except HungUpError:
                bus.hang_up()
                return None

        bus.simulator.answer = answer_or_not
        yield found
        for driver in found.drivers.values():
            await driver.close()


def _plant(port: int, registers: list[int], slow: tuple[int, ...], *, neighbour: bool) -> Plant:
    wire = {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": port, "baud": 115200}
    beside = {"link": "bus", "unit_id": 2}
    description = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "E1", "name": "gw"},
            "scan_classes": {"fast": {"period": f"{PERIOD_S}s"}, "slow": {"period": f"{2 * PERIOD_S}s"}},
            "links": {"bus": {**wire, "timeout": f"{TIMEOUT_S}s"}},
            "devices": {"plc": {"link": "bus"}} | ({"other": beside} if neighbour else {}),
            "points": ["points.csv"],
        }
    )
    tags = [tag_of(f"r{at}", f"hr:{at}") for at in registers]
    tags += [tag_of(f"s{at}", f"hr:{at}", scan_class="slow") for at in slow]
    tags += [tag_of("other", "hr:0", device="other")] if neighbour else []
    rows = [(tag, Place(Path("points.csv"), line)) for line, tag in enumerate(tags, start=2)]
    return number_tags(description, rows, digest="")
