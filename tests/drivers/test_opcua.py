"""The OPC UA driver keeps the contract, and what a server says of its values."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import numpy as np
import pytest
from asyncua import Client, ua
from hypothesis import given
from hypothesis import strategies as st

from agent.simulate.opcua import NAMESPACE
from config.tags import ValueType
from config.vocabulary import GOOD, Reason, bad, opcua_status, uncertain
from drivers.contract import LinkDown, checksum_of
from drivers.opcua.decode import Readings, decode, quality_of
from drivers.opcua.session import readings_of
from drivers.registry import make_drivers
from tests.drivers.contract_suite import Bench, DriverContract, eventually, plant_of, tag_of
from tests.drivers.opcua_rig import OpcUaRig, ServerThread, rig_on

MANY = 1200


@pytest.fixture
def server(opcua_server: ServerThread) -> ServerThread:
    return opcua_server


@pytest.fixture
async def rig(server: ServerThread) -> AsyncIterator[OpcUaRig]:
    async with rig_on(server) as rig:
        yield rig


class TestContract(DriverContract):
    """The suite, against asyncua's server."""


def bench_of(rig: OpcUaRig, addresses: list[str], **link: object) -> Bench:
    tags = [tag_of(f"t{at}", address) for at, address in enumerate(addresses)]
    other = tag_of("other", "ns=2;i=77", scan_class="slow")
    return Bench(plant_of({**rig.link(), **link}, [*tags, other]))


@pytest.mark.parametrize(
    ("status", "word", "raw"),
    [
        (0x00000000, GOOD, 1.5),
        (0x00300000, GOOD, 1.5),  # GoodClamped
        (0x40930000, uncertain(Reason.SERVER, detail=0x093), 1.5),  # UncertainSensorNotAccurate
        (0x808B0000, bad(Reason.SERVER, detail=0x08B), np.nan),  # BadDeviceFailure
        (0x80320000, bad(Reason.SERVER, detail=0x032), np.nan),  # BadWaitingForInitialData
    ],
)
async def test_the_status_that_a_server_gives_is_kept(
    rig: OpcUaRig, status: int, word: int, raw: float
) -> None:
    await rig.server.call(rig.server.simulator.set("ns=2;s=doubtful", 1.5, status=status))
    bench = bench_of(rig, ["ns=2;s=doubtful"])
    scan = await bench.scan()
    assert scan.quality.tolist() == [word]
    np.testing.assert_array_equal(scan.raw, [raw])
    await bench.driver.close()


async def test_both_times_are_kept_and_a_missing_one_is_0(rig: OpcUaRig) -> None:
    at_ns = 1_770_000_000_123_456_000
    bench = bench_of(rig, ["ns=2;s=doubtful", "ns=2;s=absent"])
    await rig.server.call(rig.server.simulator.set("ns=2;s=doubtful", 1.5, source_utc_ns=at_ns))
    stamps = (await bench.scan()).stamps
    assert stamps.source_utc_ns.tolist() == [at_ns, 0]
    assert abs(stamps.server_utc_ns[0] - time.time_ns()) < 60 * 10**9
    await rig.server.call(rig.server.simulator.set("ns=2;s=doubtful", 1.5, source_utc_ns=0))
    stamps = (await bench.scan()).stamps
    assert stamps.source_utc_ns.tolist() == [0, 0]
    assert stamps.server_utc_ns[0] > 0
    await bench.driver.close()


async def test_text_is_kept_beside_and_what_is_not_what_it_should_be_is_bad(rig: OpcUaRig) -> None:
    tags = [
        tag_of("text", "ns=2;s=text", ValueType.ASCII),
        tag_of("text_for_a_number", "ns=2;s=text"),
        tag_of("number_for_a_text", "ns=2;i=77", ValueType.GBK),
        tag_of("array", "ns=2;s=array"),
        tag_of("number", "ns=2;i=77"),
        tag_of("other", "ns=2;i=77", scan_class="slow"),
    ]
    for reading in ("cyclic", "subscription"):
        bench = Bench(plant_of({**rig.link(), "reading": reading}, tags))
        scan = await bench.scan()
        assert scan.exact == {0: "casting"}
        assert scan.quality.tolist() == [GOOD, *[bad(Reason.UNDECODABLE)] * 3, GOOD]
        np.testing.assert_array_equal(scan.raw, [checksum_of("casting"), np.nan, np.nan, np.nan, 77])
        await bench.driver.close()


async def test_a_namespace_that_the_server_does_not_have_spoils_no_other_node(rig: OpcUaRig) -> None:
    bench = bench_of(
        rig, ["nsu=urn:of:nobody;i=77", f"nsu={NAMESPACE};i=77", "ns=2;s=with;semicolon=and/slash"]
    )
    scan = await bench.scan()
    assert scan.quality.tolist() == [bad(Reason.SERVER, detail=0x034), GOOD, GOOD]
    np.testing.assert_array_equal(scan.raw, [np.nan, 77, 78])
    await bench.driver.close()


async def test_many_nodes_are_read_in_requests_of_the_size_the_server_takes(rig: OpcUaRig) -> None:
    addresses = [f"ns=2;s=many.{at}" for at in reversed(range(MANY))]
    for make, requests in (("generic", 3), ("s7-1200", 12)):
        bench = bench_of(rig, addresses, server=make, timeout="10s")
        scan = await bench.scan()
        assert scan.raw.tolist() == list(reversed(range(MANY)))
        assert bench.driver.counters.requests == requests == len(bench.driver.plan(bench.fast))
        await bench.driver.close()


async def test_a_session_owns_no_task(rig: OpcUaRig) -> None:
    """None of asyncua's supervisors runs, so none can run away or reconnect behind our back."""
    bench = bench_of(rig, ["ns=2;i=77"])
    before = asyncio.all_tasks()
    await bench.scan()
    assert asyncio.all_tasks() <= before
    session = bench.driver._server._session
    assert session.client._auto_reconnect is False
    assert session.client._supervisor_task is None
    await bench.driver.close()


async def test_the_channel_is_renewed_before_it_expires(rig: OpcUaRig) -> None:
    bench = bench_of(rig, ["ns=2;i=77"])
    await bench.scan()
    session = bench.driver._server._session
    assert session._renew_at_s - asyncio.get_running_loop().time() == pytest.approx(2700, abs=60)
    session._renew_at_s = 0.0
    for scan in await asyncio.gather(*(bench.scan() for _ in range(5))):
        assert scan.raw.tolist() == [77]
    assert session._renew_at_s > 0
    assert bench.driver.counters.connects == 1
    await bench.driver.close()


async def test_a_session_that_the_server_forgot_is_made_anew_by_the_next_scan(rig: OpcUaRig) -> None:
    bench = bench_of(rig, ["ns=2;i=77"])
    await bench.scan()
    await bench.driver._server._session.client.uaclient.close_session(delete_subscriptions=True)
    with pytest.raises(LinkDown):
        await bench.scan()
    assert (await bench.scan()).raw.tolist() == [77]
    assert bench.driver.counters.connects == 2
    await bench.driver.close()


async def test_a_server_that_soon_forgets_who_is_silent_hears_of_us_between_rare_scans(
    rig: OpcUaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = rig.server.simulator._server.iserver
    for limit in ("min_session_timeout_ms", "max_session_timeout_ms"):
        monkeypatch.setattr(inner, limit, 900.0)
    before = asyncio.all_tasks()
    bench = bench_of(rig, ["ns=2;i=77"])
    await bench.scan()
    reads = rig.server.simulator.counts.reads
    await eventually(lambda: rig.server.simulator.counts.reads >= reads + 4, 5)  # longer than it remembers
    assert (await bench.scan()).quality.tolist() == [GOOD]
    assert bench.driver.counters.connects == 1
    await bench.driver.close()
    assert asyncio.all_tasks() <= before


async def test_a_session_that_was_lost_between_rare_scans_costs_none(
    rig: OpcUaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig.server.simulator._server.iserver, "max_session_timeout_ms", 300.0)
    bench = bench_of(rig, ["ns=2;i=77"])
    await bench.scan()
    session = bench.driver._server._session
    await session.client.uaclient.close_session(delete_subscriptions=True)
    await eventually(lambda: session.lost, 5)
    assert (await bench.scan()).quality.tolist() == [uncertain(Reason.RESYNC)]
    await bench.driver.close()


async def test_devices_of_one_server_share_its_session(rig: OpcUaRig) -> None:
    tags = [tag_of("a", "ns=2;i=77"), tag_of("b", "ns=2;i=77", device="other")]
    plant = plant_of(rig.link(), tags, others=["other"])
    drivers = make_drivers(plant)
    scans = await asyncio.gather(*(drivers[group.device].scan(group) for group in plant.groups * 3))
    assert all(scan.raw.tolist() == [77] for scan in scans)
    assert rig.proxy.connections == 1
    await drivers["plc"].close()
    assert rig.proxy.connections == 1
    await drivers["other"].close()
    await eventually(lambda: rig.proxy.connections == 0)


async def test_thirty_connections_leave_nothing_behind(rig: OpcUaRig) -> None:
    before = asyncio.all_tasks()
    for _ in range(30):
        bench = bench_of(rig, ["ns=2;i=77"])
        await bench.scan()
        await bench.driver.close()
    await eventually(lambda: asyncio.all_tasks() <= before)


@pytest.mark.usefixtures("deliberate_writes")
async def test_a_write_is_refused_by_the_simulator_and_counted(server: ServerThread) -> None:
    async with Client(server.simulator.url) as client:
        with pytest.raises(ua.UaStatusCodeError):
            await client.get_node("ns=2;i=77").write_value(ua.Variant(1, ua.VariantType.Int32))
    assert server.simulator.counts.writes == 1
    server.simulator.counts.writes = 0  # this one was meant; the server's fixture sees to the others


@given(st.integers(0, 2**32 - 1))
def test_class_and_sub_code_of_every_status_survive(status: int) -> None:
    word = int(quality_of([status])[0])
    severity = min(status >> 30, 2)
    assert opcua_status(word) == (severity << 30 | (status & 0x0FFF0000) if severity else 0)


def test_whole_numbers_are_exact_beyond_float64() -> None:
    values: list[object] = [2**53, 2**53 + 1, -(2**53) - 1, True, float("inf"), None]
    scan = decode(Readings(values=values, statuses=[0] * 6, source_utc_ns=[0] * 6, server_utc_ns=[0] * 6))
    assert scan.exact == {1: 2**53 + 1, 2: -(2**53) - 1}
    assert scan.quality.tolist() == [0, 0, 0, 0, bad(Reason.NOT_A_NUMBER), bad(Reason.UNDECODABLE)]
    assert scan.raw[3] == 1


def test_text_that_is_no_utf_8_is_taken_for_gb18030() -> None:
    as_asyncua_gives_it = "浇铸".encode("gb18030").decode("utf-8", "surrogateescape")
    scan = decode(
        Readings(
            values=[as_asyncua_gives_it, "浇铸"],
            statuses=[0, 0],
            source_utc_ns=[0, 0],
            server_utc_ns=[0, 0],
        ),
        {0, 1},
    )
    assert scan.exact == {0: "浇铸", 1: "浇铸"}


def test_the_times_of_source_and_server_are_kept_apart() -> None:
    source, server = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    readings = readings_of(
        [
            ua.DataValue(ua.Variant(1), SourceTimestamp=source, ServerTimestamp=server),
            ua.DataValue(ua.Variant(1), ServerTimestamp=server),
            ua.DataValue(ua.Variant(1)),
        ]
    )
    source_ns, server_ns = (int(at.timestamp()) * 10**9 for at in (source, server))
    assert readings.source_utc_ns == [source_ns, 0, 0]
    assert readings.server_utc_ns == [server_ns, server_ns, 0]


@pytest.mark.parametrize("year", [1601, 1969, 2262, 2263, 9999])
def test_a_time_that_no_clock_shows_is_none(year: int) -> None:
    stamp = datetime(year, 12, 31, tzinfo=UTC)
    readings = readings_of([ua.DataValue(ua.Variant(1), SourceTimestamp=stamp, ServerTimestamp=stamp)])
    stamps = decode(readings).stamps
    assert stamps is not None
    assert (stamps.source_utc_ns.tolist(), stamps.server_utc_ns.tolist()) == ([0], [0])


def test_a_plant_without_opcua_never_imports_asyncua() -> None:
    program = "import sys, drivers.registry; sys.exit('asyncua' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0
