"""Work in pieces, each in a turn of the event loop of its own, so that nobody waits long for the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")
Pieces = Generator[None, None, None]
"""Work that pauses between two pieces and is done when they are."""


def at_once(pieces: Generator[None, None, Result]) -> Result:
    """Do all that is left of some work; return what comes of it."""
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            result: Result = done.value
            return result


async def in_turns(pieces: Generator[None, None, Result]) -> Result:
    """Do some work, letting others run between its pieces; return what comes of it."""
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            result: Result = done.value
            return result
        await asyncio.sleep(0)
