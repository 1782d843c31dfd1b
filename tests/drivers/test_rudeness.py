"""However a device answers, no wrong value is ever believed, and what is good is read again at once."""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import numpy as np
import pytest

from agent.simulate.modbus import Unit, serve
from agent.simulate.rudeness import WRONG, Manner
from config.vocabulary import QualityClass
from drivers.contract import DeviceError
from tests.drivers.contract_suite import Bench, plant_of, tag_of
from tests.drivers.virtual_loop import run_virtually

TIMEOUT_S = 1.0
REGISTERS = 8
RUDE = [manner for manner in Manner if manner is not Manner.POLITE]


async def rude_replies(count: int, seed: int, *, gateway: bool) -> Counter[Manner]:
    """Read through `count` rude replies in spells of 1 to 4; return how often each manner was met.

    Every scan's values are new, and whatever is Good or Uncertain must be what the device holds just then.
    After each spell the second scan at the latest must be Good or Uncertain, the third Good; not so behind a
    `gateway`, whose late answers arrive after the spell.
    """
    random = Random(seed)
    met: Counter[Manner] = Counter()
    unit = Unit(REGISTERS)
    tags = [tag_of(f"r{at}", f"hr:{at}") for at in range(REGISTERS)] + [
        tag_of("again", "hr:0", scan_class="slow")
    ]
    async with serve({1: unit}, seed=seed) as simulator:
        simulator.late_s, simulator.gateway = 1.5 * TIMEOUT_S, gateway
        link = {"type": "modbus-tcp", "host": "127.0.0.1", "port": simulator.port, "timeout": f"{TIMEOUT_S}s"}
        bench = Bench(plant_of(link, tags))

        async def scan() -> QualityClass:
            unit.holding[:] = [random.randrange(WRONG << 8) for _ in range(REGISTERS)]
            try:
                scan = await bench.scan()
            except DeviceError:
                return QualityClass.BAD
            known = scan.quality < QualityClass.BAD << 30
            assert (scan.raw[known] == unit.holding[known]).all()
            assert np.isnan(scan.raw[~known]).all()
            return QualityClass(int(scan.quality.max()) >> 30)

        def rude() -> Manner:
            manner = random.choice(RUDE)
            met[manner] += 1
            return manner

        while met.total() < count:
            simulator.choose = rude
            for _ in range(random.randrange(1, 5)):
                await scan()
            simulator.choose = None
            after = [await scan() for _ in range(3)]
            if not gateway:
                assert after[1] is not QualityClass.BAD
                assert after[2] is QualityClass.GOOD
        assert simulator.counts.reads == simulator.counts.requests
        await bench.driver.close()
    return met


@pytest.mark.parametrize("gateway", [False, True], ids=["device", "serial gateway"])
def test_a_thousand_rude_replies_and_no_wrong_value(gateway: bool) -> None:
    run_virtually(_all_manners(1500, gateway=gateway))


@pytest.mark.torture
@pytest.mark.parametrize("gateway", [False, True], ids=["device", "serial gateway"])
@pytest.mark.parametrize("seed", range(int(os.environ.get("TORTURE_N", "20"))))
def test_five_thousand_rude_replies_a_seed_and_no_wrong_value(seed: int, gateway: bool) -> None:
    run_virtually(_all_manners(2500, gateway=gateway, seed=seed))


async def _all_manners(count: int, *, gateway: bool, seed: int = 0) -> None:
    met = await rude_replies(count, seed, gateway=gateway)
    assert set(met) == set(RUDE)
