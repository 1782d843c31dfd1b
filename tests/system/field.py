"""The field: simulated devices on an event loop in a thread of their own.

They outlive every agent, and a test that blocks does not delay them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from agent.simulate import modbus, opcua
from agent.simulate.relay import Relay, relaying
from config.tags import ValueType
from tests.system.plants import REGISTERS

Result = TypeVar("Result")
SPARE = 14
_PATIENCE_S = 30.0


class CountingUnit(modbus.Unit):
    """A device that counts how often it was read; its other registers follow from that, the last are free.

    `read_at_s`: when (monotonic) each reading happened, the first at index 1.
    """

    def __init__(self) -> None:
        super().__init__(REGISTERS + SPARE)
        self.read_at_s = [0.0]

    @property
    def reads(self) -> int:
        """How often the counter was read."""
        return len(self.read_at_s) - 1

    def read(self, function_code: int, address: int, count: int) -> bytes | int:
        """Count a reading of the counter, then answer."""
        if function_code == 3 and address == 0:
            self.read_at_s.append(time.monotonic())
            self.holding[:2] = divmod(self.reads, 65536)
            self.holding[2:REGISTERS] = registers_at(self.reads)
        return super().read(function_code, address, count)


def registers_at(reads: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return what the registers from the third on hold at a reading."""
    return (reads + np.arange(2, REGISTERS)) % 65536


class Field:
    """Serves devices while it is entered. `simulators`: the Modbus devices by their ports."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="field")
        self._stack = AsyncExitStack()
        self.simulators: dict[int, modbus.ModbusSimulator] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def modbus(self, units: Mapping[int, modbus.Unit], port: int = 0) -> modbus.ModbusSimulator:
        """Serve a Modbus TCP device."""
        found = self.enter(modbus.serve(units, port=port))
        self.simulators[found.port] = found
        return found

    def counting(self) -> tuple[CountingUnit, int]:
        """Serve a counting device as unit 1; return it and its port."""
        unit = CountingUnit()
        return unit, self.modbus({1: unit}).port

    def opcua(self, nodes: Mapping[str, float], port: int = 0) -> opcua.OpcUaSimulator:
        """Serve float64 nodes."""
        return self.enter(
            opcua.serve({node: (ValueType.FLOAT64, value) for node, value in nodes.items()}, port=port)
        )

    def relay(self, target_port: int, port: int = 0) -> Relay:
        """Carry a port's connections to `target_port`."""
        return self.enter(relaying(target_port, port))

    def enter(self, context: AbstractAsyncContextManager[Result]) -> Result:
        """Enter a context on the field's loop; it is left with the field."""
        return self.call(self._stack.enter_async_context(context))

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something on the field's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def do(self, work: Any, *arguments: Any) -> None:
        """Call a plain function on the field's loop."""

        async def run() -> None:
            work(*arguments)

        self.call(run())
