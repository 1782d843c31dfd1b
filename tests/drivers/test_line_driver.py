"""The example of docs/drivers.md is a real driver: it keeps the contract, and the page shows it as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from config.links import ModbusTcpLink
from config.tags import Tag
from tests.drivers.contract_suite import TIMEOUT_S, VALUES, Bench, DriverContract, Rig, tag_of
from tests.drivers.line_driver import LineDriver, LineLink
from tests.drivers.proxy import Proxy

SOURCE = Path(__file__).parent / "line_driver.py"
PAGE = Path(__file__).parents[2] / "docs" / "drivers.md"
NAMES = sorted(VALUES)


class LineDevice:
    """The device: a line of its numbers for each line that it hears."""

    def __init__(self) -> None:
        self.values = {name: value for name, (_, value) in VALUES.items()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            fields = [repr(+self.values[name]) for name in NAMES]  # + makes 0 and 1 of truths
            writer.write(f"{','.join(fields)}\n".encode())
        writer.close()


class LineRig(Rig):
    """A rig on a line device; the plant's link lends its host, port and timeout."""

    absent = tag_of("absent", str(len(NAMES)))

    def __init__(self, device: LineDevice, proxy: Proxy) -> None:
        self.device = device
        self.proxy = proxy

    def link(self) -> dict[str, object]:
        return {
            "type": "modbus-tcp",
            "host": "127.0.0.1",
            "port": self.proxy.port,
            "timeout": f"{TIMEOUT_S}s",
        }

    def tags(self) -> list[Tag]:
        return [tag_of(name, str(NAMES.index(name)), kind) for name, (kind, _) in VALUES.items()]

    def bench(self, extra: Sequence[Tag] = ()) -> Bench:
        plant = self.plant(extra)
        link = plant.description.links["wire"]
        assert isinstance(link, ModbusTcpLink)
        return Bench(plant, driver=LineDriver(plant, "plc", LineLink(link)))

    async def set(self, name: str, value: float) -> None:
        self.device.values[name] = value


class TestLineDriver(DriverContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[LineRig]:
        device = LineDevice()
        server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
        proxy = Proxy(server.sockets[0].getsockname()[1])
        await proxy.mend()
        yield LineRig(device, proxy)
        proxy.release()
        await proxy.cut()
        server.close()
        await server.wait_closed()


def test_the_page_shows_the_example_as_it_is() -> None:
    _, _, behind = PAGE.read_text(encoding="utf-8").partition("## An example")
    shown = behind.partition("```python\n")[2].partition("```")[0]
    assert shown == SOURCE.read_text(encoding="utf-8")
