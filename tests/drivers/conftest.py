"""A leaked task or descriptor fails the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.drivers.contract_suite import eventually

if TYPE_CHECKING:
    from tests.drivers.opcua_rig import ServerThread

_THIS = psutil.Process()


@pytest.fixture(scope="session")
def opcua_server() -> Iterator[ServerThread]:
    """An OPC UA server without security; it starts in seconds, so there is one."""
    from tests.drivers.opcua_rig import EXTRA, MANY, NODES, server_thread

    with server_thread({**NODES, **EXTRA, **MANY}) as server:
        yield server
        assert server.simulator.counts.writes == 0


@pytest.fixture(autouse=True)
async def nothing_leaks() -> AsyncIterator[None]:
    tasks, descriptors = asyncio.all_tasks(), _THIS.num_fds()
    yield
    await eventually(lambda: asyncio.all_tasks() <= tasks | {asyncio.current_task()})
    await eventually(lambda: _THIS.num_fds() <= descriptors)
