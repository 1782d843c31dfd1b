"""How long each callback holds the event loop: `python -m bench.held PATH WORD...`, as `fengsui WORD...`.

What is measured is the CPU time of the loop's thread, garbage collection included, so that others on the
machine count little. Every callback that took `NOTED_MS` or more becomes a line of JSON in PATH: when it
began (CLOCK_MONOTONIC), its CPU in ms, how much of it the garbage collector took, its name, where it stands.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, Literal

import orjson

NOTED_MS: Final = 0.5


class Meter:
    """Times the callbacks of every event loop of this process, and writes down the long ones."""

    def __init__(self, into: IO[bytes]) -> None:
        self._into = into
        self._collecting_ns = 0
        self._collected_ns = 0

    def install(self) -> None:
        """Stand between the event loop and its callbacks."""
        gc.callbacks.append(self._on_collection)
        run = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            self._collected_ns, begun_s, begun_ns = 0, time.monotonic(), time.thread_time_ns()
            run(handle)
            spent_ms = (time.thread_time_ns() - begun_ns) / 1e6
            if spent_ms >= NOTED_MS:
                self._note(handle, begun_s, spent_ms)

        asyncio.Handle._run = timed  # type: ignore[method-assign,assignment]

    def _note(self, handle: asyncio.Handle, begun_s: float, spent_ms: float) -> None:
        name, stands = _named(handle)
        line = {"s": begun_s, "ms": spent_ms, "gc_ms": self._collected_ns / 1e6, "name": name, "at": stands}
        self._into.write(orjson.dumps(line) + b"\n")

    def _on_collection(self, phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        now_ns = time.thread_time_ns()
        if phase == "start":
            self._collecting_ns = now_ns
        else:
            self._collected_ns += now_ns - self._collecting_ns


def _named(handle: asyncio.Handle) -> tuple[str, str]:
    """Return what a callback is called, and of a task's step where the task waits now."""
    callback: Callable[..., Any] | None = handle._callback  # type: ignore[attr-defined]
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return owner.get_name(), " < ".join(_waiting(owner.get_coro()))
    return getattr(callback, "__qualname__", repr(callback)), ""


def _waiting(coroutine: Any) -> list[str]:
    """Return the names of the coroutines that wait for one another, the innermost first."""
    names: list[str] = []
    while coroutine is not None and hasattr(coroutine, "cr_await"):
        names.append(f"{coroutine.__qualname__}:{coroutine.cr_frame.f_lineno if coroutine.cr_frame else 0}")
        coroutine = coroutine.cr_await
    return names[::-1]


def main() -> None:
    """Run the agent with its loop timed."""
    sys.modules["scipy"] = None  # type: ignore[assignment]  # see `bench.subject`
    from agent.cli.main import main as agent

    path = Path(sys.argv.pop(1))
    with path.open("ab", buffering=0) as into:
        Meter(into).install()
        agent()


if __name__ == "__main__":
    main()
