"""Devices that are absent, silent, strange, or refuse: each is named, and the others deliver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.simulate.rudeness import Manner
from config.vocabulary import QualityClass, class_of
from tests.brokers import free_port
from tests.system.field import CountingUnit, registers_at
from tests.system.program import Agent
from tests.system.station import ARRIVE_S, Station, standing
from tests.system.waiting import until

ILLEGAL = (17, 31)


@dataclass
class Shop:
    """One good device among bad ones, and the agent that reads them all, and speaks Chinese."""

    station: Station
    agent: Agent
    absent_port: int

    def lost(self, device: str, en: str, zh: str) -> None:
        """Assert that a device's loss is told everywhere, in both languages."""
        event = self.station.arrived("device_lost", device)
        assert event["text"] == {
            "en": f"device {device} is lost: {en}",
            "zh": f"设备 {device} 失联：{zh}",
        }
        assert f"WARN  设备失联 device={device} cause={zh}" in self.agent.said()
        assert f"device {device} does not answer: {en}" in self.agent.concerns("en")
        assert f"设备 {device} 没有应答：{zh}" in self.agent.concerns("zh")
        answering = {found["device"]: found["answers"] for found in self.agent.ask()["devices"]}
        assert answering[device] is False
        assert answering["good"] is True


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path) -> Iterator[Shop]:
    with standing(tmp_path_factory.mktemp("shop"), kernel_cache) as station:
        described = station.describe("good", "illegal")
        absent_port = free_port()
        described.modbus("absent", absent_port)
        described.modbus("stranger", station.field.modbus({1: CountingUnit()}).port, unit_id=9)
        silent = station.field.modbus({1: CountingUnit()})
        silent.choose = lambda: Manner.SILENT
        described.modbus("silent", silent.port, timeout="300ms")
        described.opcua("server", f"opc.tcp://127.0.0.1:{free_port()}", {"level": "ns=2;s=level"})
        station.units["illegal"].illegal = {(3, address) for address in ILLEGAL}
        agent = station.agent(described, language="zh")
        agent.start().ready()
        yield Shop(station, agent, absent_port)
        assert agent.stop() == 0
        assert "Traceback" not in agent.journal


def test_a_device_that_is_absent_at_start_is_named(shop: Shop) -> None:
    where = f"127.0.0.1:{shop.absent_port}"
    shop.lost(
        "absent",
        f"no connection to {where}: nothing listens there",
        f"无法连接 {where}：该端口无服务",
    )
    assert shop.agent.tag("absent_reads")["quality_words"] == {"en": "Bad: link down", "zh": "无效：链路中断"}


def test_an_opcua_server_that_is_absent_at_start_is_named(shop: Shop) -> None:
    event = shop.station.arrived("device_lost", "server")
    assert "nothing listens there" in event["text"]["en"]
    assert "该端口无服务" in event["text"]["zh"]


def test_a_unit_id_that_nobody_has_loses_the_device_with_what_the_gateway_says(shop: Shop) -> None:
    shop.lost(
        "stranger",
        "refused: no answer behind the gateway (exception 11)",
        "被拒绝：网关后的设备无应答（异常码 11）",
    )


def test_a_silent_device_is_lost_within_its_timeout(shop: Shop) -> None:
    shop.lost("silent", "no answer within 0.3 s", "0.3 秒内无应答")


def test_illegal_addresses_cost_only_their_own_tags(shop: Shop) -> None:
    shop.station.delivering("illegal")
    scan = next(scan for scan in shop.station.receiver.scans if "illegal_reads" in scan.raw)
    bad = [tag for tag, quality in scan.quality.items() if class_of(quality) is QualityClass.BAD]
    assert bad == [f"illegal_{address}" for address in ILLEGAL]
    reads = scan.raw["illegal_reads"]
    assert reads is not None
    expected = registers_at(int(reads)).tolist()
    assert [raw for raw in list(scan.raw.values())[1:] if raw is not None] == [
        number for address, number in enumerate(expected, start=2) if address not in ILLEGAL
    ]
    words = shop.agent.tag("illegal_17")["quality_words"]
    assert words == {
        "en": "Bad: address refused by the device (exception 2), asked again at least hourly",
        "zh": "无效：设备拒绝此地址（异常码 2），至少每小时重试一次",
    }
    told = f"2 of 49 tags of device illegal are bad; illegal_17: {words['en']}"
    assert told in shop.agent.concerns()
    assert f"设备 illegal 的 49 个点位中有 2 个无效；illegal_17：{words['zh']}" in shop.agent.concerns("zh")


def test_the_good_device_is_read_on_its_grid_all_the_while(shop: Shop) -> None:
    shop.station.delivering("good", more=10)
    counters = sorted(shop.station.receiver.counters("good"))
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    grid = {found["group"]: found for found in shop.agent.ask()["grid"]}
    assert grid["good/normal"]["scans_bad"] == 0


def test_a_device_that_appears_is_restored_with_the_gap_that_its_absence_made(shop: Shop) -> None:
    shop.station.arrived("device_lost", "absent")
    shop.station.units["absent"] = CountingUnit()
    shop.station.field.modbus({1: shop.station.units["absent"]}, port=shop.absent_port)
    event = shop.station.arrived("device_restored", "absent")
    assert event["text"] == {"en": "device absent is back", "zh": "设备 absent 已恢复"}
    assert event["figures"]["scans_bad"] > 0
    until(
        lambda: any(gap["device"] == "absent" for gap in shop.station.receiver.gaps()),
        ARRIVE_S,
        "the gap arrives",
    )
    (gap,) = (gap for gap in shop.station.receiver.gaps() if gap["device"] == "absent")
    assert gap["cause"] == "link_lost"
    assert gap["text"]["zh"].startswith("absent ")
    shop.station.delivering("absent")
    assert shop.station.receiver.faults == 0
