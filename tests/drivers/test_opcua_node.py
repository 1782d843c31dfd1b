"""A server of another make: the same contract, and what is seen when it restarts, freezes, is cut off."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from asyncua import ua

from agent.certificates.store import CertificateStore
from agent.clock import SystemClock
from agent.poll import Poller
from config.opcua import SecurityMode, SecurityPolicy
from config.plant import ScanGroup
from config.text import Text
from config.turns import Pieces
from config.vocabulary import GOOD, QualityClass, Reason, class_of, uncertain
from drivers.contract import Scan
from drivers.opcua.failures import SecurityRefused
from drivers.opcua.subscription import Subscription
from drivers.registry import make_drivers
from tests.drivers.contract_suite import Bench, DriverContract, eventually, plant_of, tag_of
from tests.drivers.node_server import NodeRig, NodeServer, node_server
from tests.drivers.proxy import Proxy
from tests.drivers.subscription_suite import SubscriptionContract

N = int(os.environ.get("TORTURE_N", "20"))
READINGS = ("cyclic", "subscription")
QUICK = [pytest.param("cyclic", marks=pytest.mark.torture), "subscription"]
BACK_S = 5.0  # data again, after the server is back
RESYNC = uncertain(Reason.RESYNC)
COUNTER = "ns=2;s=plc.counter"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    with node_server(tmp_path_factory.mktemp("pki")) as server:
        asyncio.run(connect_once(server))
        yield server


async def connect_once(server: NodeServer) -> None:
    """Let the server compile what a connection needs, which takes it longer than the suite allows."""
    link = {"type": "opcua", "url": f"opc.tcp://127.0.0.1:{server.port}/", "timeout": "20s"}
    bench = Bench(plant_of(link, [tag_of("a", COUNTER), tag_of("b", COUNTER, scan_class="slow")]))
    await bench.scan()
    await bench.driver.close()


@pytest.fixture
async def proxy(server: NodeServer) -> AsyncIterator[Proxy]:
    proxy = Proxy(server.port)
    await proxy.mend()
    server.set("s=plc.counter", 1)
    yield proxy
    proxy.release()
    await proxy.cut()


class TestCyclic(DriverContract):
    @pytest.fixture
    def rig(self, server: NodeServer, proxy: Proxy) -> NodeRig:
        return NodeRig(server, proxy, "cyclic")


class TestSubscription(SubscriptionContract):
    @pytest.fixture
    def rig(self, server: NodeServer, proxy: Proxy) -> NodeRig:
        return NodeRig(server, proxy, "subscription")


@pytest.mark.parametrize("mode", SecurityMode)
@pytest.mark.parametrize("policy", SecurityPolicy)
async def test_every_policy_is_understood(
    server: NodeServer, tmp_path_factory: pytest.TempPathFactory, policy: SecurityPolicy, mode: SecurityMode
) -> None:
    link = {
        "type": "opcua",
        "url": f"opc.tcp://localhost:{server.port}/",
        "security": {"policy": policy, "mode": mode},
        "reading": "subscription",
    }
    plant = plant_of(link, [tag_of("a", COUNTER), tag_of("b", COUNTER, scan_class="slow")])
    store = CertificateStore(tmp_path_factory.getbasetemp() / "ours", plant.description.gateway)
    if not store.trusted():
        bench = Bench(plant, store)
        with pytest.raises(SecurityRefused, match="not trusted"):
            await bench.scan()
        (kept,) = store.rejected()
        store.trust(kept)
        await bench.driver.close()
    bench = Bench(plant, store)
    assert (await bench.scan()).quality.tolist() == [GOOD]
    await bench.driver.close()


class Heard:
    """A sink that keeps what the poller says."""

    def __init__(self) -> None:
        self.lost = 0
        self.restored = 0
        self.qualities: list[int] = []
        self.good_at_s = 0.0

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        self.qualities.append(int(scan.quality[0]))
        if class_of(self.qualities[-1]) is not QualityClass.BAD:
            self.good_at_s = time.monotonic()
        yield from ()

    def device_lost(self, device: str, cause: Text, reason: Reason, boot_ns: int) -> None:
        self.lost += 1

    def device_lost_otherwise(self, device: str, reason: Reason, boot_ns: int) -> None:
        """The next event is the return."""

    def device_restored(self, device: str, lost_boot_ns: int, boot_ns: int, scans_bad: int) -> None:
        self.restored += 1


@pytest.fixture
async def heard(request: pytest.FixtureRequest, proxy: Proxy) -> AsyncIterator[Heard]:
    """What a plant of one tag sees, polled ten times a second."""
    link = {
        "type": "opcua",
        "url": f"opc.tcp://127.0.0.1:{proxy.port}/",
        "timeout": "1s",
        "reading": request.param,
    }
    plant = plant_of(link, [tag_of("a", COUNTER), tag_of("b", COUNTER, scan_class="slow")], fast="100ms")
    heard = Heard()
    polling = asyncio.create_task(Poller(plant, make_drivers(plant), heard, SystemClock()).run())
    await eventually(lambda: heard.good_at_s > 0, BACK_S)
    yield heard
    polling.cancel()
    with suppress(asyncio.CancelledError):  # anything else is a bug
        await polling


async def loses_and_finds_again(heard: Heard, back: Callable[[], object]) -> None:
    """See the loss told, let `back()` end it, and see values again in time, the first of them marked."""
    await eventually(lambda: heard.lost == 1, 10)
    seen = len(heard.qualities)
    await asyncio.to_thread(back)
    returned_s = time.monotonic()
    await eventually(lambda: heard.restored == 1, BACK_S)
    assert heard.good_at_s - returned_s < BACK_S
    await eventually(lambda: heard.qualities[-1] == GOOD, BACK_S)
    first = next(word for word in heard.qualities[seen:] if class_of(word) is not QualityClass.BAD)
    assert first == RESYNC


@pytest.mark.parametrize("heard", QUICK, indirect=True)
async def test_a_server_that_restarts_is_back_in_time(heard: Heard, server: NodeServer) -> None:
    server.kill()
    await loses_and_finds_again(heard, server.start)


@pytest.mark.parametrize("heard", READINGS, indirect=True)
async def test_a_server_that_freezes_is_noticed_and_back_in_time(heard: Heard, server: NodeServer) -> None:
    server.freeze()
    await loses_and_finds_again(heard, server.thaw)


@pytest.mark.parametrize("heard", READINGS, indirect=True)
async def test_a_network_that_drops_everything_is_noticed_and_back_in_time(
    heard: Heard, proxy: Proxy
) -> None:
    proxy.hold()
    await eventually(lambda: heard.lost == 1, 10)
    loop = asyncio.get_running_loop()
    await loses_and_finds_again(heard, lambda: loop.call_soon_threadsafe(proxy.release))


@pytest.mark.parametrize("reading", READINGS)
async def test_connecting_again_and_again_grows_nothing(proxy: Proxy, reading: str) -> None:
    await cycles(proxy, reading, 5)


@pytest.mark.torture
@pytest.mark.parametrize("reading", READINGS)
async def test_many_cycles_grow_neither_tasks_nor_descriptors_nor_memory(proxy: Proxy, reading: str) -> None:
    await cycles(proxy, reading, 2 * N)  # until whatever is kept for ever is there
    before = psutil.Process().memory_info().rss
    await cycles(proxy, reading, 5 * N)
    assert psutil.Process().memory_info().rss - before < 2 * 2**20


async def cycles(proxy: Proxy, reading: str, count: int) -> None:
    """Connect, scan and close, so often; leave as many tasks and descriptors as there were."""
    tasks, descriptors = asyncio.all_tasks(), psutil.Process().num_fds()
    for _ in range(count):
        link = {"type": "opcua", "url": f"opc.tcp://127.0.0.1:{proxy.port}/", "reading": reading}
        bench = Bench(plant_of(link, [tag_of("a", COUNTER), tag_of("b", COUNTER, scan_class="slow")]))
        assert (await bench.scan()).quality.tolist() == [GOOD]
        await bench.driver.close()
    await eventually(lambda: asyncio.all_tasks() <= tasks)
    await eventually(lambda: psutil.Process().num_fds() <= descriptors)


@pytest.mark.torture
@pytest.mark.parametrize("heard", READINGS, indirect=True)
async def test_a_freeze_of_ten_seconds(heard: Heard, server: NodeServer) -> None:
    server.freeze()
    await asyncio.sleep(10)  # as long as that is what is shown
    await loses_and_finds_again(heard, server.thaw)


MANY = 5000
WINDOW_S = max(8, N * 3 // 4)


@pytest.mark.torture
async def test_five_thousand_items_a_second_are_all_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: Counter[int] = Counter()
    store = Subscription._store

    def count_and_store(self: Subscription, items: list[ua.MonitoredItemNotification]) -> None:
        told.update(item.Value.Value.Value for item in items)
        store(self, items)

    monkeypatch.setattr(Subscription, "_store", count_and_store)
    with node_server(tmp_path) as server:
        server.count(MANY, 1000)
        link = {"type": "opcua", "url": f"opc.tcp://127.0.0.1:{server.port}/", "reading": "subscription"}
        tags = [tag_of(f"t{at}", f"ns=2;s=many.{at}", queue=5) for at in range(MANY)]
        bench = Bench(plant_of({**link, "timeout": "20s"}, [*tags, tag_of("b", COUNTER, scan_class="slow")]))
        for _ in range(5):
            await bench.scan()
            await asyncio.sleep(1)  # the first seconds are the server's
        told.clear()
        begun, cpu = time.monotonic(), psutil.Process().cpu_times()
        while time.monotonic() < begun + WINDOW_S:
            assert (await bench.scan()).quality.tolist() == [GOOD] * MANY
            await asyncio.sleep(1)  # the grid
        cores = (sum(psutil.Process().cpu_times()[:2]) - sum(cpu[:2])) / (time.monotonic() - begun)
        assert bench.driver.counters.overflows == 0
        await bench.driver.close()
    whole = sorted(told)[2:-1]  # the first may have been under way, the last cut off
    assert len(whole) >= WINDOW_S - 5  # a server that is late itself may sample once where it counted twice
    assert [told[tick] for tick in whole] == [MANY] * len(whole)
    with capsys.disabled():
        print(f"\n{MANY} items a second, {len(whole)} s, none missing: {cores:.2f} cores")
