"""A serial port in the test's hands: the same as `Proxy`, on a pseudo terminal."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random

from agent.simulate.modbus import Connection, ModbusSimulator, Unit
from agent.simulate.modbus_rtu import SimulatedPort, rtu_questions


class _HeldPort(SimulatedPort):
    """A port whose answers can be kept back."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.held = False
        self.kept = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.kept += bytes(data)
        self.release()

    def release(self) -> None:
        if not self.held and self.kept:
            super().write(self.kept)
            self.kept = b""


class _CountingConnection(Connection):
    """A connection that counts what it hears."""

    def __init__(self, proxy: PortProxy) -> None:
        super().__init__(proxy.simulator, rtu_questions)
        self._proxy = proxy

    def data_received(self, data: bytes) -> None:
        self._proxy.asked_bytes += len(data)
        if self._proxy.echo:
            self._transport.write(data)
        super().data_received(data)


class PortProxy:
    """A simulated bus on a serial port; `port` is its path."""

    def __init__(self, unit: Unit, path: Path) -> None:
        self.simulator = ModbusSimulator({1: unit}, Random(0), on_a_bus=True)
        self.port = path
        self.asked_bytes = 0
        self.echo = False
        self._far_end: _HeldPort | None = None

    @property
    def connections(self) -> int:
        """How often the port is open just now, but for our own end."""
        if self._far_end is None:
            return 0
        descriptors = (os.path.realpath(entry.path) for entry in os.scandir("/proc/self/fd"))
        return sum(path == self._far_end.terminal for path in descriptors) - 1

    def hold(self) -> None:
        assert self._far_end is not None
        self._far_end.held = True
        self.asked_bytes = 0

    def release(self) -> None:
        if self._far_end is not None:
            self._far_end.held = False
            self._far_end.release()

    async def cut(self) -> None:
        """Pull the adapter out."""
        if self._far_end is not None:
            self._far_end.abort()
            self._far_end = None
        await asyncio.sleep(0)

    async def mend(self) -> None:
        """Plug it in again; the system may give it another name, but `port` leads to it."""
        self._far_end = _HeldPort(self.port)
        self._far_end.plug_in(_CountingConnection(self))
