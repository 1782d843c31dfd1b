"""A leaked task, thread or descriptor fails the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import psutil
import pytest

from tests.uplinks.waiting import eventually

_THIS = psutil.Process()


@pytest.fixture(autouse=True)
async def nothing_leaks() -> AsyncIterator[None]:
    tasks, threads, descriptors = asyncio.all_tasks(), set(threading.enumerate()), _THIS.num_fds()
    yield
    await eventually(lambda: asyncio.all_tasks() <= tasks | {asyncio.current_task()})
    await eventually(lambda: set(threading.enumerate()) <= threads)
    await eventually(lambda: _THIS.num_fds() <= descriptors)
