"""The devices' process: `python -m agent.demo.devices` serves the casting line over Modbus TCP and OPC UA.

It prints its ports as a line of JSON, obeys lines `begin <trouble>` and `end <trouble>` on stdin, and prints
what it counted when stdin ends.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import numpy as np
import orjson

from agent.demo.casting import Casting, Trouble
from agent.simulate import modbus, opcua
from config.tags import ValueType

_MELT, _TILT, _TICKS = (
    f"nsu={opcua.NAMESPACE};s={name}" for name in ("melt_temp", "tilt_angle", "furnace_ticks")
)
_NODES: Final[dict[str, tuple[ValueType, opcua.Value]]] = {
    _MELT: (ValueType.FLOAT64, 0.0),
    _TILT: (ValueType.FLOAT64, 0.0),
    _TICKS: (ValueType.INT32, 0),
}
_STEP_S: Final = 0.05
_READS_LOW, _PRESSURE, _FLOW, _TEMPERATURE, _LEVEL = 0, 2, 3, 4, 5


class CountingUnit(modbus.Unit):
    """The casting PLC: its first two registers hold how often it has been read."""

    def __init__(self) -> None:
        super().__init__(64)
        self.reads = 0

    def read(self, function_code: int, address: int, count: int) -> bytes | int:
        """Count the reading of the counter itself, then answer."""
        if function_code == 3 and address <= _READS_LOW < address + count:
            self.reads += 1
            self.holding[_READS_LOW : _READS_LOW + 2] = divmod(self.reads, 65536)
        return super().read(function_code, address, count)

    def show(self, line: Casting) -> None:
        """Put the line's state into the registers."""
        self.holding[_PRESSURE] = max(0, line.pressure_raw())
        self.holding[_FLOW] = max(0, line.flow_raw())
        self.holding[_TEMPERATURE] = round(1000 * line.mould_temperature_ma())
        self.holding[_LEVEL : _LEVEL + 2] = np.array([line.launder_level_mm()], dtype=">f4").view(">u2")
        self.inputs[:4] = (True, line.quick_cut_closed, line.drain_open, False)


async def serve() -> None:
    """Serve the line until stdin ends."""
    line, unit = Casting(), CountingUnit()
    async with (
        modbus.serve({1: unit}) as plc,
        opcua.serve(_NODES) as furnace,
    ):
        _print(modbus_port=plc.port, opcua_port=furnace.port)
        moving = asyncio.create_task(_move(line, unit, furnace))
        await _obey(line)
        moving.cancel()
        writes = sum(plc.counts.writes.values()) + furnace.counts.writes
        _print(plc_reads=unit.reads, furnace_reads=furnace.counts.reads, writes=writes)


async def _move(line: Casting, unit: CountingUnit, furnace: opcua.OpcUaSimulator) -> None:
    ticks = 0
    while True:
        ticks += 1
        line.step(_STEP_S)
        unit.show(line)
        await furnace.set(_MELT, line.furnace_temperature())
        await furnace.set(_TILT, line.tilt_angle())
        await furnace.set(_TICKS, ticks)
        await asyncio.sleep(_STEP_S)


async def _obey(line: Casting) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for words in reader:
        verb, trouble = words.decode().split()
        change = line.troubles.add if verb == "begin" else line.troubles.discard
        change(Trouble(trouble))


def _print(**facts: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(facts) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(serve())
