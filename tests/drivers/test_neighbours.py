"""Devices that are silent, trickle or flood take nothing from the grid of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from agent.poll import Poller
from agent.simulate.modbus import Unit, serve
from config.vocabulary import GOOD
from drivers.registry import make_drivers
from tests.agent.plants import make_plant
from tests.drivers.test_bus import Book, LoopClock
from tests.drivers.virtual_loop import run_virtually

POLITE = 12
PERIOD_S = 0.2
Bother = Callable[[asyncio.StreamWriter], None]


@asynccontextmanager
async def rude(every_s: float, data: bytes) -> AsyncIterator[int]:
    """Serve a device that answers nothing and sends `data` for ever."""
    writers: list[asyncio.StreamWriter] = []

    async def bother(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while not reader.at_eof() and not writer.is_closing():
            writer.write(data)
            await asyncio.sleep(every_s)
        writer.transport.abort()

    server = await asyncio.start_server(bother, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(2 * every_s)


async def polled_beside(rude_ports: list[int], for_s: float) -> dict[str, np.ndarray]:
    """Poll polite devices and rude ones; return when the scans of the polite ones began."""
    async with serve({unit: Unit(16) for unit in range(1, POLITE + 1)}) as polite:
        ports = [polite.port] * POLITE + rude_ports
        names = tuple(f"d{at}" for at in range(len(ports)))
        links = {
            name: {"type": "modbus-tcp", "host": "127.0.0.1", "port": port}
            for name, port in zip(names, ports, strict=True)
        }
        plant = make_plant(devices=names, period=f"{PERIOD_S}s", links=links)
        book = Book()
        polling = asyncio.create_task(Poller(plant, make_drivers(plant), book, LoopClock()).run())
        await asyncio.sleep(for_s)
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
    assert all(word != GOOD for name in names[POLITE:] for _, word in book.scans[name])
    assert all(word == GOOD for name in names[:POLITE] for _, word in book.scans[name])
    return {name: np.array([at for at, _ in book.scans[name]]) for name in names[:POLITE]}


def test_rude_devices_do_not_move_the_grid_of_the_polite_ones() -> None:
    """In virtual time only waiting for somebody else would show, and there is none."""

    async def story() -> None:
        async with (
            rude(10.0, b"") as silent,
            rude(1.0, b"\x00") as trickling,
            rude(0.02, b"\x55" * 300) as flooding,
        ):
            starts = await polled_beside([silent, trickling, flooding], 20.0)
        for found in starts.values():
            assert len(found) == pytest.approx(20.0 / PERIOD_S, abs=1)
            assert np.median(np.diff(found)) == pytest.approx(PERIOD_S, rel=0.01)

    run_virtually(story())
