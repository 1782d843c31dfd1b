"""Five dust collectors behind an OPC UA server: browsed into a point table, and read by it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Node

from config.load import load
from config.plant import Plant
from config.vocabulary import GOOD
from drivers.contract import Scan
from drivers.registry import make_drivers
from tests.drivers.opcua_rig import ServerThread
from tests.drivers.test_opcua_commands import PLANT, run

COLLECTORS = [f"HI_{number:03}" for number in range(1, 6)]
HELD: dict[str, float | bool] = {
    "CKYL": -1.25, "RKYL": -2.5, "YC": 1.25,  # 出口压力, 入口压力, 压差
    "HDWD1": 61.5, "HDWD2": 62.5, "HDWD3": 63.5, "HDWD4": 64.5,  # 灰斗温度
    "XTYXYC": True, "XTYXBD": False,
}  # fmt: skip
EXPECTED = {
    f"{collector}.PLC.{name}": float(value) + (0 if isinstance(value, bool) else 100 * at)
    for at, collector in enumerate(COLLECTORS)
    for name, value in HELD.items()
}


@pytest.fixture
def url(opcua_server: ServerThread) -> Iterator[str]:
    """Let the server have `2:HI_xxx/2:PLC` with its values; no two numbers are the same."""
    objects = opcua_server.simulator._server.nodes.objects
    collectors: list[Node] = []

    async def build() -> None:
        for at, name in enumerate(COLLECTORS):
            collectors.append(await objects.add_object(2, name))
            plc = await collectors[-1].add_object(2, "PLC")
            for point, value in HELD.items():
                await plc.add_variable(2, point, value if isinstance(value, bool) else value + 100 * at)

    async def tear_down() -> None:
        for collector in collectors:
            await collector.delete(recursive=True)

    asyncio.run(opcua_server.call(build()))
    yield opcua_server.simulator.url
    asyncio.run(opcua_server.call(tear_down()))


async def read(plant: Plant) -> Scan:
    driver = make_drivers(plant)["plc"]
    scan = await driver.scan(plant.groups[0])
    await driver.close()
    return scan


def test_a_dust_site_is_read_as_its_server_names_it(url: str, tmp_path: Path) -> None:
    code, table = run("opcua", "browse", url)
    assert code == 0, table
    (tmp_path / "plant.yaml").write_text(PLANT.format(url=url), encoding="utf-8")
    head, *rows = table.splitlines(keepends=True)
    (tmp_path / "points.csv").write_text(
        head + "".join(row for row in rows if row.startswith("HI_")), encoding="utf-8"
    )
    plant = load(tmp_path)
    scan = asyncio.run(read(plant))
    assert dict(zip((tag.tag for tag in plant.tags), scan.raw.tolist(), strict=True)) == EXPECTED
    assert set(scan.quality.tolist()) == {GOOD}
