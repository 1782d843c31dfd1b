"""Garbage collection in small portions: while the collector looks at objects, it holds the event loop.

What lived at the start is never looked at again (`agent.memory`). Of the rest, young objects are looked at as
ever, in smaller portions, and those that have grown old while they are few. Where they are many, they are
alarms, records and the like, which no cycle holds: they are set aside too. What dies most often, a connection
to a device that hangs up, leaves no cycle (`drivers/modbus/link.py`). Should cycles among what was set aside
cost memory all the same, everything is looked at once that shows.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 1.0
LOOKS_PER_MEASURE: Final = 60
MOST_LOOKED_AT: Final = 5_000
"""As many objects are looked at within a few milliseconds."""

GROWTH_BYTES: Final = 2**25
"""By so much must our own memory have grown until all is looked at, which takes a tenth of a second."""

_YOUNG: Final = (700, 5)
_COLLECTIONS_BETWEEN: Final = 10
_NEVER: Final = 2**30
_STATM: Final = Path("/proc/self/statm")


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
    size = own_bytes()
    while True:
        for _ in range(LOOKS_PER_MEASURE):
            await asyncio.sleep(LOOK_EVERY_S)
            look_at_old()
        if own_bytes() > size + GROWTH_BYTES:
            look_at_all()
            size = own_bytes()


def look_at_old() -> None:
    """Look at old objects where it is time; set them aside where they are many."""
    if gc.get_count()[2] < _COLLECTIONS_BETWEEN:
        return
    if len(gc.get_objects(generation=2)) > MOST_LOOKED_AT:
        gc.collect(1)  # what is young may be litter
        gc.freeze()
    else:
        gc.collect()


def look_at_all() -> None:
    """Look at what was set aside, too, and set aside what is left."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def own_bytes() -> int:
    """Return the memory that only this process has, apart from swapped pages (proc_pid_statm(5))."""
    _, resident, shared, *_ = map(int, _STATM.read_text(encoding="ascii").split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
