"""Devices as they are sold: their registers, a point table for them, and the numbers that come out."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from agent.simulate import modbus, modbus_rtu
from agent.simulate.modbus import Unit
from config.load import load
from config.plant import Plant
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import Scan, checksum_of
from drivers.registry import make_drivers
from filters.engine import Engine
from filters.kernels import Kernels, load_kernels

PLANT = """
fengsui: 1
gateway: {{enterprise: E1, name: gw}}
scan_classes: {{normal: {{period: 1s}}}}
links: {{wire: {{type: {kind}, host: 127.0.0.1, port: {port}}}}}
devices: {{d: {{link: wire}}}}
points: [points.csv]
"""


@dataclass(frozen=True)
class Map:
    """A device: registers by first address, a point table, and the value or the fault of each tag."""

    table: str
    holding: dict[int, list[int]] = field(default_factory=dict)
    inputs: dict[int, list[int]] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    bad: dict[str, Reason] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    kind: str = "modbus-tcp"


def words_of(layout: str, *values: float) -> list[int]:
    data = struct.pack(layout, *values)
    return list(struct.unpack(f">{len(data) // 2}H", data))


MAPS = {
    "combustible detector": Map(
        kind="modbus-rtu-tcp",
        holding={0: [123, 1, 2, 0xFF38, 4, 100, 25, 50]},
        table="""点名,设备,采集组,地址,类型,系数,枚举
conc,d,normal,hr:0x0000,uint16,0.1,
status,d,normal,hr:1,uint16,,0=正常; 1=报警; 2=故障
alarm,d,normal,hr:2,uint16,,0=无; 1=低报; 2=高报
temp,d,normal,hr:3,int16,0.1,
gas,d,normal,hr:4,uint16,,
range,d,normal,hr:5,uint16,,
low,d,normal,hr:6,uint16,,
high,d,normal,hr:7,uint16,,
""",
        expected={
            "conc": 12.3, "status": 1, "alarm": 2, "temp": -20.0,
            "gas": 4, "range": 100, "low": 25, "high": 50,
        },
    ),
    "gas panel": Map(
        inputs={0: [0, 100, 1200, 550], 3000: [0b000000001, 0b000010010, 0b101000000]},
        table="""tag,device,scan_class,address,type,scale,offset,unit
empty,d,normal,30001,uint16,0.1,-10,%LEL
zero,d,normal,30002,uint16,0.1,-10,%LEL
full,d,normal,30003,uint16,0.1,-10,%LEL
middle,d,normal,30004,uint16,0.1,-10,%LEL
al1,d,normal,33001.0,bool,,,
al2,d,normal,33002.1,bool,,,
fault,d,normal,33002.3,bool,,,
disabled,d,normal,33002.4,bool,,,
under,d,normal,33003.6,bool,,,
comms,d,normal,33003.8,bool,,,
""",
        expected={
            "empty": -10, "zero": 0, "full": 110, "middle": 45,
            "al1": 1, "al2": 1, "fault": 0, "disabled": 1, "under": 1, "comms": 1,
        },
    ),
    "point detector with a heartbeat": Map(
        holding={0: [0b1_000_10_01_0101], 2: words_of(">f", 41.5)},
        table="""tag,device,scan_class,address,type,mask,enum,toggle_within
state,d,normal,40001,uint16,0x000F,0=预热; 1=监测; 2=禁止; 3=模拟; 4=通气测试; 5=标定,
alarm1,d,normal,40001,uint16,0x0030,,
fault,d,normal,40001,uint16,0x00C0,,
beat,d,normal,40001.11,bool,,,5s
conc,d,normal,40003,float32,,,
""",
        expected={"state": 5, "alarm1": 1, "fault": 2, "beat": 1, "conc": 41.5},
    ),
    "detector with alarm set-points": Map(
        holding={1: [250, 500, 3, 5, 10], 10: [2]},
        table="""tag,device,scan_class,address,type,scale,enum
al1,d,normal,40002,uint16,0.1,
al2,d,normal,40003,uint16,0.1,
combination,d,normal,40004,uint16,,1=HH; 2=LL; 3=HL
delay1,d,normal,40005,uint16,,
delay2,d,normal,40006,uint16,,
unit,d,normal,40011,uint16,,0=ppm; 1=%VOL; 2=%LEL
""",
        expected={"al1": 25, "al2": 50, "combination": 3, "delay1": 5, "delay2": 10, "unit": 2},
    ),
    "detector with packed status": Map(
        holding={0: [209, 0x1305]},
        table="""tag,device,scan_class,address,type,mask,scale
conc,d,normal,40001,uint16,,0.1
sensor,d,normal,40002,uint16,0xFF00,
alarm,d,normal,40002.0,bool,,
warning,d,normal,40002.1,bool,,
fault,d,normal,40002.2,bool,,
bits,d,normal,40002,uint16,0x00FF,
""",
        expected={"conc": 20.9, "sensor": 0x13, "alarm": 1, "warning": 0, "fault": 1, "bits": 5},
    ),
    "detector with decimal digits": Map(
        holding={101: [0x0209, 0x0000, 0x020A]},
        table="""tag,device,scan_class,address,type,scale
o2,d,normal,40102,bcd16,0.1
none,d,normal,40103,bcd16,0.1
broken,d,normal,40104,bcd16,0.1
""",
        expected={"o2": 20.9, "none": 0},
        bad={"broken": Reason.UNDECODABLE},
    ),
    "SF6 and O2 detector": Map(
        kind="modbus-rtu-tcp",
        holding={0: [1013, 0x1409, 0x00D1, 0x145A]},
        table="""tag,device,scan_class,address,type,scale
sf6,d,normal,hr:0,uint16,
o2_bytes,d,normal,hr:1,tenths,
o2_tenths,d,normal,hr:2,uint16,0.1
o2_hundredths,d,normal,hr:3,hundredths,
""",
        expected={"sf6": 1013, "o2_bytes": 20.9, "o2_tenths": 20.9, "o2_hundredths": 20.9},
    ),
    "pH transmitter": Map(
        kind="modbus-rtu-tcp",
        holding={0x2600: [word for value in (7.02, 25.5) for word in words_of("<f", value)]},
        table="""tag,device,scan_class,address,type,word_order
ph,d,normal,hr:0x2600,float32,DCBA
temp,d,normal,hr:0x2602,float32,DCBA
""",
        expected={"ph": float(np.float32(7.02)), "temp": 25.5},
    ),
    "S7 analog words": Map(
        holding={0: [0, 13824, 27648, 28001, 0x7FFF, 0xFE0B, 0x8000], 10: words_of(">f", -1000000.0)},
        table="""tag,device,scan_class,address,type,scale,raw_low,raw_high,sentinels
zero,d,normal,hr:0,int16,0.0036168981481481482,-500,28000,
half,d,normal,hr:1,int16,0.0036168981481481482,-500,28000,
full,d,normal,hr:2,int16,0.0036168981481481482,-500,28000,
over,d,normal,hr:3,int16,0.0036168981481481482,-500,28000,
overflow,d,normal,hr:4,int16,0.0036168981481481482,-500,28000,
under,d,normal,hr:5,int16,0.0036168981481481482,-500,28000,
broken,d,normal,hr:6,int16,0.0036168981481481482,-500,28000,
invalid,d,normal,hr:10,float32,,,,-1000000=无效
""",
        expected={"zero": 0, "half": 50, "full": 100},
        bad={
            "over": Reason.OVER_RANGE, "overflow": Reason.OVER_RANGE,
            "under": Reason.UNDER_RANGE, "broken": Reason.UNDER_RANGE, "invalid": Reason.SENTINEL,
        },
    ),
    "what else registers hold": Map(
        holding={
            0: words_of(">e", 0.5),
            1: words_of(">Q", 2**63 + 1),
            5: words_of("<q", -5),
            10: [0x4653, 0x2D31, 0x3000],
            13: [0xB7E9, 0xBBF0],
            20: [7777, 9988, 20],
        },
        table="""tag,device,scan_class,address,type,word_order,length,sentinels
half,d,normal,hr:0,float16,,,
counter,d,normal,hr:1,uint64,,,
little,d,normal,hr:5,int64,DCBA,,
model,d,normal,hr:10,ascii,,3,
name,d,normal,hr:13,gbk,,2,
spare,d,normal,hr:20,uint16,,,7777=通道备用; 9988=故障
faulty,d,normal,hr:21,uint16,,,7777=通道备用; 9988=故障
good,d,normal,hr:22,uint16,,,7777=通道备用; 9988=故障
""",
        expected={"half": 0.5, "counter": float(2**63 + 1), "little": -5, "good": 20},
        bad={"spare": Reason.SENTINEL, "faulty": Reason.SENTINEL},
        texts={"model": "FS-10", "name": "烽火"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def kernels(kernel_cache: Path) -> Kernels:
    return load_kernels(kernel_cache / "kernels")


async def read(device: Map, folder: Path) -> tuple[Plant, Scan]:
    unit = Unit()
    for table, content in ((unit.holding, device.holding), (unit.input_registers, device.inputs)):
        for address, words in content.items():
            table[address : address + len(words)] = words
    serve = modbus.serve if device.kind == "modbus-tcp" else modbus_rtu.serve_tcp
    async with serve({1: unit}) as simulator:
        (folder / "plant.yaml").write_text(PLANT.format(kind=device.kind, port=simulator.port))
        (folder / "points.csv").write_text(device.table)
        plant = load(folder)
        driver = make_drivers(plant)["d"]
        scan = await driver.scan(plant.groups[0])
        await driver.close()
        assert not simulator.counts.writes
    return plant, scan


@pytest.mark.parametrize("name", MAPS)
async def test_a_device_is_read_as_its_manual_says(name: str, tmp_path: Path, kernels: Kernels) -> None:
    device = MAPS[name]
    plant, scan = await read(device, tmp_path)
    engine = Engine(plant, kernels)
    engine.condition(plant.groups[0], scan.raw, scan.quality, 1)
    value, quality = engine.image.value, engine.image.quality
    for number, tag in enumerate(plant.tags):
        if tag.tag in device.bad:
            assert quality[number] & 0xC000FF00 == bad(device.bad[tag.tag]), tag.tag
            assert math.isnan(value[number])
            continue
        assert quality[number] == GOOD, tag.tag
        if tag.tag in device.texts:
            assert scan.exact[number] == device.texts[tag.tag]
            assert value[number] == checksum_of(device.texts[tag.tag])
        else:
            assert value[number] == pytest.approx(device.expected[tag.tag], rel=1e-12, abs=1e-9), tag.tag
    assert set(device.expected) | set(device.bad) | set(device.texts) == {tag.tag for tag in plant.tags}


async def test_a_counter_beyond_float64_is_kept_whole(tmp_path: Path) -> None:
    plant, scan = await read(MAPS["what else registers hold"], tmp_path)
    assert scan.exact[plant.number_of["counter"]] == 2**63 + 1
