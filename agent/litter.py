"""Garbage collection in small portions: while the collector looks at objects, it holds the event loop.

What lived at the start is never looked at again (`agent.memory`). Of the rest, young objects are looked at as
ever, in smaller portions. Those that have grown old are looked at while they are few: where they are many,
they are alarms, records and the like, most of which no cycle holds; they are looked at every ten minutes.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LOOK_EVERY_S: Final = 1.0
LOOKS_UNTIL_ALL: Final = 600
MOST_LOOKED_AT: Final = 5_000
"""As many objects are looked at within a few milliseconds."""

_YOUNG: Final = (700, 5)
_COLLECTIONS_BETWEEN: Final = 10
_NEVER: Final = 2**30


@contextmanager
def small_portions() -> Iterator[None]:
    """Collect garbage in small portions, in the running event loop."""
    before = gc.get_threshold()
    gc.set_threshold(*_YOUNG, _NEVER)
    task = asyncio.create_task(_look(), name="litter")
    try:
        yield
    finally:
        task.cancel()
        gc.set_threshold(*before)


async def _look() -> None:
    while True:
        for _ in range(LOOKS_UNTIL_ALL):
            await asyncio.sleep(LOOK_EVERY_S)
            look_at_old()
        gc.collect()  # old connections, too, are held by cycles


def look_at_old() -> None:
    """Look at old objects where it is time and they are few."""
    if gc.get_count()[2] < _COLLECTIONS_BETWEEN:
        return
    if len(gc.get_objects(generation=2)) <= MOST_LOOKED_AT:
        gc.collect()
