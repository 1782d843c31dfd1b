"""The contract where a device is reported by its server: what a scan would ask for must have been told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from config.plant import Plant
from config.tags import Tag
from drivers.contract import DeviceError, DeviceTimeout, LinkDown
from tests.drivers.contract_suite import TIMEOUT_S, Bench, DriverContract, bounded, eventually, plant_of
from tests.drivers.opcua_rig import OpcUaRig

FAST = "100ms"
STALE_S = 0.3
LOST_S = 0.15 + TIMEOUT_S  # the keep-alive and the link's timeout


class SubscribingRig(OpcUaRig):
    """A rig whose device is reported by its server."""

    def link(self) -> dict[str, object]:
        return {**super().link(), "reading": "subscription"}

    def plant(self, extra: Sequence[Tag] = ()) -> Plant:
        counter = next(tag for tag in self.tags() if tag.tag == "counter")
        again = counter.model_copy(update={"tag": "counter_again", "scan_class": "slow"})
        return plant_of(self.link(), [*self.tags(), *extra, again], fast=FAST)


async def counter_becomes(bench: Bench, value: float) -> None:
    deadline = time.monotonic() + 5
    while await bench.counter() != value:
        assert time.monotonic() < deadline, "it was never told"
        await asyncio.sleep(0.01)


async def failure_of(bench: Bench) -> DeviceError:
    """Scan until a scan fails."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            await bench.scan()
        except DeviceError as error:
            return error
        await asyncio.sleep(0.01)
    raise AssertionError("the loss was never noticed")


class SubscriptionContract(DriverContract):
    """The suite."""

    async def test_a_change_is_seen_by_the_next_scan(self, rig: SubscribingRig, bench: Bench) -> None:
        for value in (1, 2, 3):
            await rig.set("counter", value)
            await counter_becomes(bench, value)

    async def test_a_device_that_dies_during_a_scan_fails_it_at_once(
        self, rig: SubscribingRig, bench: Bench
    ) -> None:
        await bench.scan()
        await rig.proxy.cut()
        with bounded(TIMEOUT_S):
            assert isinstance(await failure_of(bench), LinkDown)

    async def test_the_first_scan_after_a_device_came_back_reads_it(
        self, rig: SubscribingRig, bench: Bench
    ) -> None:
        await bench.scan()
        await rig.proxy.cut()
        await failure_of(bench)
        await rig.proxy.mend()
        await rig.set("counter", 7)
        assert await bench.counter() == 7
        assert await bench.counter() == 7

    async def test_a_silent_device_is_told_within_its_timeout(
        self, rig: SubscribingRig, bench: Bench
    ) -> None:
        await bench.scan()
        rig.proxy.hold()
        with bounded(LOST_S):
            assert isinstance(await failure_of(bench), DeviceTimeout)

    async def test_an_answer_after_the_timeout_is_not_believed(
        self, rig: SubscribingRig, bench: Bench
    ) -> None:
        await bench.scan()
        rig.proxy.hold()
        await failure_of(bench)
        await rig.set("counter", 99)
        rig.proxy.release()
        for _ in range(3):
            assert await bench.counter() == 99

    async def test_a_cancelled_scan_leaves_no_late_answer_behind(self, rig: SubscribingRig) -> None:
        for value in range(10, 13):
            bench = rig.bench()
            rig.proxy.hold()
            scan = asyncio.create_task(bench.scan())
            await eventually(lambda: rig.proxy.asked_bytes > 0)
            scan.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scan
            await rig.set("counter", value)
            rig.proxy.release()
            assert await bench.counter() == value
            await bench.driver.close()

    async def test_close_during_a_scan_ends_it(self, rig: SubscribingRig) -> None:
        bench = rig.bench()
        await bench.scan()
        rig.proxy.hold()
        with bounded(TIMEOUT_S):
            await bench.driver.close()
        with pytest.raises(LinkDown):
            await bench.scan()
        await eventually(lambda: rig.proxy.connections == 0)

    async def test_what_happened_is_counted(self, rig: SubscribingRig, bench: Bench) -> None:
        await bench.scan()
        counters = bench.driver.counters
        assert counters.connects == 1
        assert counters.requests >= 2  # one to subscribe, one to read what there is
        rig.proxy.hold()
        await failure_of(bench)
        rig.proxy.release()
        await bench.scan()
        assert counters.timeouts == 1
