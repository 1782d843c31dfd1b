"""What a server reports by itself: the same contract, and what becomes of silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from asyncua import ua

from config.tags import Deadband, ValueType
from config.vocabulary import GOOD, Reason, bad, uncertain
from drivers.contract import Desync, LinkDown
from tests.drivers.contract_suite import Bench, bounded, eventually, plant_of, tag_of
from tests.drivers.opcua_rig import OpcUaRig, ServerThread, rig_on
from tests.drivers.subscription_suite import FAST, STALE_S, SubscribingRig, SubscriptionContract, failure_of

DOUBTFUL = "ns=2;s=doubtful"
RESYNC = uncertain(Reason.RESYNC)


@pytest.fixture
async def rig(opcua_server: ServerThread) -> AsyncIterator[OpcUaRig]:
    async with rig_on(opcua_server, kind=SubscribingRig) as rig:
        yield rig


def bench_of(
    rig: OpcUaRig, addresses: Sequence[str], tag: dict[str, object] | None = None, **link: object
) -> Bench:
    tags = [tag_of(f"t{at}", address, **(tag or {})) for at, address in enumerate(addresses)]
    other = tag_of("other", "ns=2;i=77", scan_class="slow")
    return Bench(plant_of({**rig.link(), **link}, [*tags, other], fast=FAST))


async def until(bench: Bench, raw: float) -> None:
    """Scan until the first tag has a value; its quality is looked at elsewhere."""
    deadline = time.monotonic() + 5
    while (await bench.scan()).raw[0] != raw:
        assert time.monotonic() < deadline, "it was never told"
        await asyncio.sleep(0.01)


class TestSubscription(SubscriptionContract):
    """The suite, against asyncua's server."""


async def test_a_value_is_emitted_with_its_source_time_and_status(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [DOUBTFUL])
    at_ns = 1_770_000_000_123_456_000
    set_to = rig.server.simulator.set
    await rig.server.call(set_to(DOUBTFUL, 2.5, source_utc_ns=at_ns))
    await until(bench, 2.5)
    stamps = (await bench.scan()).stamps
    assert stamps.source_utc_ns.tolist() == [at_ns]
    assert abs(stamps.server_utc_ns[0] - time.time_ns()) < 60 * 10**9
    await rig.server.call(set_to(DOUBTFUL, 3.5, status=0x808B0000, source_utc_ns=at_ns + 1000))
    await eventually(lambda: bench.driver._views[0]._known.statuses == [0x808B0000])
    scan = await bench.scan()
    assert scan.quality.tolist() == [bad(Reason.SERVER, detail=0x08B)]
    assert np.isnan(scan.raw[0])
    await rig.server.call(set_to(DOUBTFUL, 4.5))
    await until(bench, 4.5)
    assert (await bench.scan()).quality.tolist() == [GOOD]
    await bench.driver.close()


async def test_a_scan_of_reported_values_asks_the_server_nothing(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [DOUBTFUL, "ns=2;i=77"])
    await bench.scan()
    asked = bench.driver.counters.requests
    reads = rig.server.simulator.counts.reads
    for _ in range(100):
        await bench.scan()
    assert bench.driver.counters.requests == asked
    assert rig.server.simulator.counts.reads == reads
    await bench.driver.close()


async def test_what_the_server_does_not_watch_is_read_at_every_scan(rig: SubscribingRig) -> None:
    """A node that is not there has the server's own words, and a value as soon as there is one."""
    bench = bench_of(rig, ["ns=2;i=77", "ns=2;s=late"])
    unknown = bad(Reason.SERVER, detail=0x034)
    assert (await bench.scan()).quality.tolist() == [GOOD, unknown]
    await rig.server.call(rig.server.simulator.add("ns=2;s=late", 5))
    assert (await bench.scan()).raw.tolist() == [77, 5]
    await bench.driver.close()


async def test_items_beyond_what_the_make_of_server_takes_are_read(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [f"ns=2;s=many.{at}" for at in range(1200)], server="s7-1200", timeout="10s")
    assert (await bench.scan()).raw.tolist() == list(range(1200))
    assert bench.driver._views[0]._rest_at == list(range(1000, 1200))
    assert (await bench.scan()).raw.tolist() == list(range(1200))
    await bench.driver.close()


async def test_silence_makes_values_stale_before_the_server_counts_as_lost(rig: SubscribingRig) -> None:
    texts = [tag_of("t0", DOUBTFUL), tag_of("t1", "ns=2;s=text", ValueType.ASCII)]
    bench = Bench(plant_of(rig.link(), [*texts, tag_of("other", "ns=2;i=77", scan_class="slow")], fast=FAST))
    scan = await bench.scan()
    assert scan.quality.tolist() == [GOOD, GOOD]
    assert scan.exact == {1: "casting"}
    view = bench.driver._views[0]
    view._lost_s = float("inf")
    view._heard_s -= STALE_S + 0.01
    rig.proxy.hold()
    scan = await bench.scan()
    assert scan.quality.tolist() == [bad(Reason.STALE)] * 2
    assert np.isnan(scan.raw).all()
    assert scan.exact == {}
    rig.proxy.release()
    await eventually(lambda: asyncio.get_running_loop().time() - view._heard_s < STALE_S)
    assert (await bench.scan()).quality.tolist() == [GOOD, GOOD]
    await bench.driver.close()


@pytest.mark.parametrize("loss", ["connection", "session", "subscription", "silence"])
async def test_every_kind_of_loss_heals_and_the_first_reading_after_it_is_marked(
    rig: SubscribingRig, loss: str
) -> None:
    bench = bench_of(rig, [DOUBTFUL])
    await bench.scan()
    await lose(loss, rig, bench)
    rig.proxy.release()
    await rig.server.call(rig.server.simulator.set(DOUBTFUL, 8.5))
    with bounded(1):
        scan = await bench.scan()
    assert (scan.raw.tolist(), scan.quality.tolist()) == ([8.5], [RESYNC])
    await rig.server.call(rig.server.simulator.set(DOUBTFUL, 9.5))
    await until(bench, 9.5)
    assert (await bench.scan()).quality.tolist() == [GOOD]
    await bench.driver.close()


async def lose(loss: str, rig: SubscribingRig, bench: Bench) -> None:
    """Lose something, until a scan has noticed."""
    client = bench.driver._server._session.client.uaclient
    match loss:
        case "connection":
            await rig.proxy.cut()
        case "session":
            await client.close_session(delete_subscriptions=True)
        case "subscription":
            await client.delete_subscriptions([*client.session._subscription_callbacks])
        case "silence":
            rig.proxy.hold()
    await failure_of(bench)
    if loss == "connection":
        await rig.proxy.mend()


async def test_a_session_that_ended_between_two_scans_costs_none(rig: SubscribingRig) -> None:
    bench = bench_of(rig, ["ns=2;i=77"])
    await bench.scan()
    await rig.proxy.cut()
    await eventually(lambda: bench.driver._server._session.lost)
    await rig.proxy.mend()
    assert (await bench.scan()).quality.tolist() == [RESYNC]
    assert (await bench.scan()).quality.tolist() == [GOOD]
    await bench.driver.close()


async def test_a_deadband_in_the_server_keeps_small_changes_there(rig: SubscribingRig) -> None:
    absolute = {"server_deadband": Deadband(absolute=1.0).model_dump()}
    bench = bench_of(rig, [DOUBTFUL, "ns=2;s=plc.float32"], absolute)
    await rig.server.call(rig.server.simulator.set(DOUBTFUL, 10.0))
    await until(bench, 10.0)
    told = bench.driver._views[0]._known
    for value in (10.5, 20.0):
        await rig.server.call(rig.server.simulator.set(DOUBTFUL, value))
    await until(bench, 20.0)
    assert 10.5 not in told.values
    await bench.driver.close()


async def test_what_a_queue_in_the_server_could_not_hold_is_counted(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [DOUBTFUL])
    await bench.scan()
    overflown = ua.DataValue(ua.Variant(1.0), ua.StatusCode(0x00000480))
    item = ua.MonitoredItemNotification(ClientHandle=0, Value=overflown)
    bench.driver._views[0]._take(
        ua.NotificationMessage(NotificationData=[ua.DataChangeNotification(MonitoredItems=[item] * 3)])
    )
    assert bench.driver.counters.overflows == 3
    assert (await bench.scan()).quality.tolist() == [GOOD]
    await bench.driver.close()


async def test_a_server_that_ends_a_subscription_is_heard(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [DOUBTFUL])
    await bench.scan()
    ended = ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))
    with pytest.raises(LinkDown, match="BadTimeout"):
        bench.driver._views[0]._take(ua.NotificationMessage(NotificationData=[ended]))
    await bench.driver.close()


async def test_a_server_that_tells_of_what_nobody_asked_for_ends_its_session_and_nothing_else(
    rig: SubscribingRig,
) -> None:
    bench = bench_of(rig, [DOUBTFUL])
    await bench.scan()
    session = bench.driver._server._session
    subscription = next(iter(session.publisher._takers))
    item = ua.MonitoredItemNotification(ClientHandle=99, Value=ua.DataValue(ua.Variant(1.0)))
    told = ua.NotificationMessage(NotificationData=[ua.DataChangeNotification(MonitoredItems=[item])])
    answer = ua.PublishResponse(Parameters=ua.PublishResult(subscription, NotificationMessage=told))

    async def publish(_acknowledged: object) -> ua.PublishResponse:
        return answer

    session.client.uaclient.publish = publish
    await rig.server.call(rig.server.simulator.set(DOUBTFUL, 51.5))  # lets the waiting requests return
    assert isinstance(await failure_of(bench), Desync)
    assert (await bench.scan()).quality.tolist() == [RESYNC]
    await bench.driver.close()


async def test_the_channel_is_renewed_while_values_are_reported(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [DOUBTFUL])
    await bench.scan()
    for value in (30.5, 31.5, 32.5):
        bench.driver._server._session._renew_at_s = 0.0
        await rig.server.call(rig.server.simulator.set(DOUBTFUL, value))
        await until(bench, value)
    assert bench.driver.counters.connects == 1
    await bench.driver.close()


async def test_twenty_sessions_that_were_lost_leave_nothing_behind(rig: SubscribingRig) -> None:
    before = asyncio.all_tasks()
    bench = bench_of(rig, [DOUBTFUL])
    for _ in range(20):
        await bench.scan()
        bench.driver._server.drop(bench.driver._server._session)
    await bench.driver.close()
    assert asyncio.all_tasks() <= before


async def test_the_plan_says_how_old_a_value_may_be(rig: SubscribingRig) -> None:
    bench = bench_of(rig, [DOUBTFUL], {"sampling": "200ms"})
    (line,) = bench.driver.plan(bench.fast)
    assert "at most 250ms old" in line.show("en")
    await bench.driver.close()
