"""A namespace that comes late, or moves, is noticed in a session that goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent.simulate.opcua import NAMESPACE, OpcUaSimulator
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import Desync
from tests.drivers.contract_suite import Bench, plant_of, tag_of
from tests.drivers.opcua_rig import OpcUaRig, ServerThread, rig_on

UNKNOWN = bad(Reason.SERVER, detail=0x034)


@pytest.fixture
async def rig(opcua_server: ServerThread) -> AsyncIterator[OpcUaRig]:
    async with rig_on(opcua_server) as rig:
        yield rig


def bench_of(rig: OpcUaRig, *addresses: str, reading: str) -> Bench:
    tags = [tag_of(f"t{at}", address, "float64") for at, address in enumerate(addresses)]
    other = tag_of("other", "ns=2;i=77", scan_class="slow")
    return Bench(plant_of({**rig.link(), "reading": reading}, [*tags, other]))


async def register(simulator: OpcUaSimulator, uri: str) -> None:
    """Let there be a namespace more, with one node."""
    index = await simulator._server.register_namespace(uri)
    await simulator.add(f"ns={index};s=x", 25.5)


def later(bench: Bench) -> None:
    """Let it be time to look again."""
    bench.driver._session._looked_at_s -= 11


@pytest.mark.parametrize("reading", ["cyclic", "subscription"])
async def test_a_namespace_that_the_server_registers_later_is_found(rig: OpcUaRig, reading: str) -> None:
    uri = f"urn:late:{reading}"
    bench = bench_of(rig, f"nsu={uri};s=x", "ns=2;i=77", reading=reading)
    assert (await bench.scan()).quality.tolist() == [UNKNOWN, GOOD]
    await rig.server.call(register(rig.server.simulator, uri))
    assert (await bench.scan()).quality.tolist() == [UNKNOWN, GOOD]  # not asked at every scan
    later(bench)
    with pytest.raises(Desync):
        await bench.scan()
    assert (await bench.scan()).raw.tolist() == [25.5, 77]
    assert (await bench.scan()).quality.tolist() == [GOOD, GOOD]
    later(bench)
    assert (await bench.scan()).quality.tolist() == [GOOD, GOOD]
    assert bench.driver.counters.connects == 2
    await bench.driver.close()


@pytest.mark.parametrize("reading", ["cyclic", "subscription"])
async def test_a_namespace_that_has_another_number_now_ends_the_session(rig: OpcUaRig, reading: str) -> None:
    bench = bench_of(rig, f"nsu={NAMESPACE};i=77", reading=reading)
    assert (await bench.scan()).raw.tolist() == [77]
    bench.driver._session.namespaces.insert(2, "urn:it:was:there")
    for _ in range(6):
        later(bench)
    with pytest.raises(Desync):
        await bench.scan()
    assert (await bench.scan()).raw.tolist() == [77]
    await bench.driver.close()


async def test_other_namespaces_that_come_disturb_nobody(rig: OpcUaRig) -> None:
    bench = bench_of(rig, f"nsu={NAMESPACE};i=77", reading="cyclic")
    await bench.scan()
    await rig.server.call(rig.server.simulator._server.register_namespace("urn:of:others"))
    for _ in range(6):
        later(bench)
    assert (await bench.scan()).quality.tolist() == [GOOD]
    assert bench.driver._session.namespaces[-1] == "urn:of:others"
    assert bench.driver.counters.connects == 1
    await bench.driver.close()
