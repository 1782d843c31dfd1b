"""What every driver must do, whatever its protocol: subclass `DriverContract` and give it a `rig` fixture.

A rig is a real server on loopback, reached through a `Proxy`, and a plant whose device `plc` is that server.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from config.faults import Place
from config.models import Description
from config.plant import Plant, ScanGroup, number_tags
from config.tags import Tag, ValueType
from config.vocabulary import GOOD, QualityClass, Reason, class_of, reason_of
from drivers.contract import DeviceError, DeviceTimeout, Driver, LinkDown, Scan
from drivers.opcua.keys import KeyStore
from drivers.registry import make_drivers
from tests.drivers.port_proxy import PortProxy
from tests.drivers.proxy import Proxy

TIMEOUT_S = 0.4
SLACK_S = 2.0  # for a busy machine; bounds are told from hangs, not measured

VALUES: dict[str, tuple[ValueType, float]] = {
    "counter": (ValueType.UINT16, 1),
    "yes": (ValueType.BOOL, True),
    "no": (ValueType.BOOL, False),
    "int16": (ValueType.INT16, -12345),
    "uint16": (ValueType.UINT16, 54321),
    "int32": (ValueType.INT32, -1234567890),
    "uint32": (ValueType.UINT32, 4000000000),
    "int64": (ValueType.INT64, -1234567890123),
    "large_int64": (ValueType.INT64, -(2**53) - 1),
    "large_uint64": (ValueType.UINT64, 2**64 - 1),
    "float32": (ValueType.FLOAT32, 25.5),
    "float64": (ValueType.FLOAT64, -1.7976931348623157e308),
    "not_a_number": (ValueType.FLOAT32, float("nan")),
}
EXACT = {"large_int64", "large_uint64"}


class Rig(ABC):
    """A device under test. `absent` is a tag that the server does not have."""

    proxy: Proxy | PortProxy
    absent: Tag
    keys: KeyStore | None = None

    def bench(self, extra: Sequence[Tag] = ()) -> Bench:
        """Return a driver of the rig's plant."""
        return Bench(self.plant(extra), self.keys)

    @abstractmethod
    def link(self) -> dict[str, object]:
        """Return the link of the plant description."""

    @abstractmethod
    def tags(self) -> list[Tag]:
        """Return a tag for each of `VALUES`, in an order that is not that of the addresses."""

    @abstractmethod
    async def set(self, name: str, value: float) -> None:
        """Let the server hold another value."""

    def plant(self, extra: Sequence[Tag] = ()) -> Plant:
        """Return the plant; the scan class `slow` repeats the counter."""
        counter = next(tag for tag in self.tags() if tag.tag == "counter")
        again = counter.model_copy(update={"tag": "counter_again", "scan_class": "slow"})
        return plant_of(self.link(), [*self.tags(), *extra, again])


def plant_of(
    link: dict[str, object],
    tags: Sequence[Tag],
    others: Sequence[str] = (),
    fast: str = "1s",
    **device: object,
) -> Plant:
    """Return a plant of one link with the device `plc` and `others`; its classes are `fast` and `slow`."""
    description = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "e", "name": "g"},
            "scan_classes": {"fast": {"period": fast}, "slow": {"period": "5s"}},
            "links": {"wire": link},
            "devices": {name: {"link": "wire", **device} for name in ("plc", *others)},
            "points": ["points.csv"],
        }
    )
    rows = [(tag, Place(Path("points.csv"), line)) for line, tag in enumerate(tags, start=2)]
    return number_tags(description, rows, digest="")


def tag_of(name: str, address: str, kind: ValueType = ValueType.UINT16, **more: object) -> Tag:
    """Return a tag of `plc` in the scan class `fast`."""
    return Tag.model_validate(
        {"tag": name, "device": "plc", "scan_class": "fast", "address": address, "type": kind, **more}
    )


async def eventually(condition: Callable[[], bool], within_s: float = SLACK_S) -> None:
    """Return as soon as `condition` holds; fail where it does not within the time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        await asyncio.sleep(0.002)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Fail where the body takes longer, slack included."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds + SLACK_S


class Bench:
    """A driver with its plant, and the scans of it."""

    def __init__(self, plant: Plant, keys: KeyStore | None = None, driver: Driver | None = None) -> None:
        self.plant = plant
        self.driver: Driver = driver or make_drivers(plant, keys)["plc"]
        self.fast, self.slow = plant.groups

    async def scan(self, group: ScanGroup | None = None) -> Scan:
        scan = await self.driver.scan(group or self.fast)
        assert not np.isnan(scan.raw[list(scan.exact)]).any()
        return scan

    def place(self, name: str) -> int:
        return [tag.tag for tag in self.plant.tags_of(self.fast)].index(name)

    async def counter(self) -> float:
        scan = await self.scan()
        at = self.place("counter")
        assert class_of(int(scan.quality[at])) is not QualityClass.BAD
        return float(scan.raw[at])


class DriverContract:
    """The suite."""

    @pytest.fixture
    async def bench(self, rig: Rig) -> AsyncIterator[Bench]:
        bench = rig.bench()
        yield bench
        await bench.driver.close()

    async def test_every_type_is_read_right(self, bench: Bench) -> None:
        scan = await bench.scan()
        for name, (_, value) in VALUES.items():
            at = bench.place(name)
            if name == "not_a_number":
                assert np.isnan(scan.raw[at])
                assert class_of(int(scan.quality[at])) is QualityClass.BAD
                assert reason_of(int(scan.quality[at])) is Reason.NOT_A_NUMBER
                continue
            assert scan.raw[at] == float(value), name
            assert scan.quality[at] == GOOD, name
            assert scan.exact.get(at) == (value if name in EXACT else None), name

    async def test_a_scan_has_a_reading_of_every_tag_in_the_configured_order(self, bench: Bench) -> None:
        scan = await bench.scan()
        assert scan.raw.shape == scan.quality.shape == (bench.fast.count,)
        assert scan.raw.dtype == np.float64
        assert scan.quality.dtype == np.uint32
        if scan.stamps is not None:
            for stamps in (scan.stamps.source_utc_ns, scan.stamps.server_utc_ns):
                assert stamps.shape == (bench.fast.count,)
                assert stamps.dtype == np.int64

    async def test_the_arrays_belong_to_the_receiver(self, bench: Bench) -> None:
        first = await bench.scan()
        first.raw[:] = 0
        first.quality[:] = 0xFFFFFFFF
        second = await bench.scan()
        assert not np.shares_memory(first.raw, second.raw)
        assert second.raw[bench.place("int16")] == -12345
        assert second.quality[bench.place("int16")] == GOOD

    async def test_a_change_is_seen_by_the_next_scan(self, rig: Rig, bench: Bench) -> None:
        for value in (1, 2, 3):
            await rig.set("counter", value)
            assert await bench.counter() == value

    async def test_one_bad_tag_spoils_no_other(self, rig: Rig) -> None:
        bench = rig.bench(extra=[rig.absent])
        for _ in range(2):
            scan = await bench.scan()
            at = bench.place(rig.absent.tag)
            assert class_of(int(scan.quality[at])) is QualityClass.BAD
            assert np.isnan(scan.raw[at])
            others = [bench.place(name) for name in VALUES if name != "not_a_number"]
            assert (scan.quality[others] == GOOD).all()
        await bench.driver.close()

    async def test_a_device_that_is_not_there_is_told_within_its_timeout(self, rig: Rig) -> None:
        await rig.proxy.cut()
        bench = rig.bench()
        with bounded(TIMEOUT_S), pytest.raises((LinkDown, DeviceTimeout)) as failure:
            await bench.scan()
        assert class_of(failure.value.quality) is QualityClass.BAD
        assert str(rig.proxy.port) in str(failure.value)
        await bench.driver.close()

    async def test_a_device_that_dies_during_a_scan_fails_it_at_once(self, rig: Rig, bench: Bench) -> None:
        await bench.scan()
        rig.proxy.hold()
        scan = asyncio.create_task(bench.scan())
        await eventually(lambda: rig.proxy.asked_bytes > 0)
        start = time.monotonic()
        await rig.proxy.cut()
        with pytest.raises(LinkDown):
            await scan
        assert time.monotonic() - start < TIMEOUT_S / 2

    async def test_a_silent_device_is_told_within_its_timeout(self, rig: Rig, bench: Bench) -> None:
        await bench.scan()
        rig.proxy.hold()
        with bounded(TIMEOUT_S), pytest.raises(DeviceTimeout):
            await bench.scan()
        rig.proxy.release()

    async def test_the_first_scan_after_a_device_came_back_reads_it(self, rig: Rig, bench: Bench) -> None:
        await bench.scan()
        await rig.proxy.cut()
        for _ in range(2):
            with pytest.raises(DeviceError):
                await bench.scan()
        await rig.proxy.mend()
        await rig.set("counter", 7)
        assert await bench.counter() == 7
        assert await bench.counter() == 7

    async def test_an_answer_after_the_timeout_is_not_believed(self, rig: Rig, bench: Bench) -> None:
        await bench.scan()
        rig.proxy.hold()
        with pytest.raises(DeviceTimeout):
            await bench.scan()
        await rig.set("counter", 99)
        rig.proxy.release()
        for _ in range(3):
            assert await bench.counter() == 99

    async def test_a_cancelled_scan_leaves_no_late_answer_behind(self, rig: Rig, bench: Bench) -> None:
        await bench.scan()
        for value in range(10, 15):
            rig.proxy.hold()
            scan = asyncio.create_task(bench.scan())
            await eventually(lambda: rig.proxy.asked_bytes > 0)
            scan.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scan
            await rig.set("counter", value)
            rig.proxy.release()
            assert await bench.counter() == value

    async def test_a_scan_cancelled_while_connecting_leaves_nothing_behind(self, rig: Rig) -> None:
        before = asyncio.all_tasks()
        bench = rig.bench()
        rig.proxy.hold()
        scan = asyncio.create_task(bench.scan())
        await eventually(lambda: rig.proxy.connections > 0)
        scan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scan
        rig.proxy.release()
        await bench.driver.close()
        await eventually(lambda: rig.proxy.connections == 0)
        await eventually(lambda: asyncio.all_tasks() <= before)

    async def test_scans_of_one_device_may_overlap(self, rig: Rig, bench: Bench) -> None:
        await rig.set("counter", 5)
        scans = await asyncio.gather(*(bench.scan(group) for group in (bench.fast, bench.slow) * 5))
        for number, scan in enumerate(scans):
            at = bench.place("counter") if number % 2 == 0 else 0
            assert scan.raw[at] == 5
            assert scan.quality[at] == GOOD

    async def test_close_leaves_no_task_and_no_connection(self, rig: Rig) -> None:
        before = asyncio.all_tasks()
        bench = rig.bench()
        await bench.scan()
        assert rig.proxy.connections == 1
        await bench.driver.close()
        await bench.driver.close()
        await eventually(lambda: rig.proxy.connections == 0)
        await eventually(lambda: asyncio.all_tasks() <= before)

    async def test_close_during_a_scan_ends_it(self, rig: Rig) -> None:
        bench = rig.bench()
        await bench.scan()
        rig.proxy.hold()
        scan = asyncio.create_task(bench.scan())
        await eventually(lambda: rig.proxy.asked_bytes > 0)
        with bounded(TIMEOUT_S):
            await bench.driver.close()
            with pytest.raises(DeviceError):
                await scan
        await eventually(lambda: rig.proxy.connections == 0)

    async def test_the_plan_names_every_request_without_asking(self, rig: Rig, bench: Bench) -> None:
        lines = bench.driver.plan(bench.fast)
        assert lines
        assert all(line.show("zh") != line.show("en") for line in lines)
        assert rig.proxy.connections == 0

    async def test_what_happened_is_counted(self, rig: Rig, bench: Bench) -> None:
        await bench.scan()
        counters = bench.driver.counters
        assert counters.connects == 1
        assert counters.requests >= 1
        rig.proxy.hold()
        with pytest.raises(DeviceTimeout):
            await bench.scan()
        rig.proxy.release()
        await bench.scan()
        assert counters.timeouts == 1
