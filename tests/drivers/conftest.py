"""A leaked task or descriptor fails the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from tests.drivers.contract_suite import eventually

_THIS = psutil.Process()


@pytest.fixture(autouse=True)
async def nothing_leaks() -> AsyncIterator[None]:
    tasks, descriptors = asyncio.all_tasks(), _THIS.num_fds()
    yield
    await eventually(lambda: asyncio.all_tasks() <= tasks | {asyncio.current_task()})
    await eventually(lambda: _THIS.num_fds() <= descriptors)
