"""The demo's processes: started, told, stopped and killed by their own handle, never by name."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from agent.demo.casting import Trouble
from config.text import Text, text

_START_S: Final = 60.0
_STOP_S: Final = 15.0


class DemoFailed(Exception):  # noqa: N818 - the failure's own word
    """A process of the demo did not do what it must; `words`: which, and what it said last."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class Devices:
    """The casting line's process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def tell(self, verb: str, trouble: Trouble) -> None:
        """Begin or end a trouble."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb} {trouble}\n".encode())
        await self._process.stdin.drain()

    async def counts(self) -> dict[str, int]:
        """End the process and return what it counted."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        found = await _line(self._process, "devices")
        await asyncio.wait_for(self._process.wait(), _STOP_S)
        return found


@asynccontextmanager
async def devices(plant: Path, copy: Path) -> AsyncIterator[Devices]:
    """Run the casting line that `plant` describes while inside; `copy` leads to it then."""
    command = ("-m", "agent.demo.devices", str(plant), str(copy))
    async with _running(*command, stdin=PIPE, stdout=PIPE) as process:
        await _line(process, "devices", _START_S)
        yield Devices(process)


class Agent:
    """The agent's process; may be killed and started again on its state directory."""

    def __init__(self, plant: Path, state: Path, journal: Path) -> None:
        self._command = ("-m", "agent", "run", "--state", str(state), str(plant))
        self._journal = journal
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it; its journal goes to the journal's file."""
        with self._journal.open("ab") as journal:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._command, stdout=journal, stderr=journal
            )

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it in order; return its exit code."""
        return await self._end(signal.SIGTERM)

    def alive(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await asyncio.wait_for(self._process.wait(), _STOP_S)


@asynccontextmanager
async def agent(plant: Path, state: Path, journal: Path) -> AsyncIterator[Agent]:
    """Have an agent that is not started yet; it is gone when the context is left."""
    found = Agent(plant, state, journal)
    try:
        yield found
    finally:
        await found.kill()


class Receiver:
    """The reference receiver's process (`fengsui receive`)."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def summary(self) -> dict[str, Any]:
        """End it in order and return its book."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout is not None
        found = _json(await asyncio.wait_for(self._process.stdout.read(), _STOP_S), "receiver")
        await asyncio.wait_for(self._process.wait(), _STOP_S)
        return found


@asynccontextmanager
async def receiver(port: int, out: Path) -> AsyncIterator[Receiver]:
    """Run the receiver while inside; every message goes to `out`, a line of JSON each."""
    command = ("-m", "agent", "receive", "--port", str(port), "--out", str(out), "--from-start", "--json")
    async with _running(*command, stdout=PIPE) as process:
        yield Receiver(process)


@asynccontextmanager
async def _running(*command: str, **streams: int) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, *command, **streams)  # type: ignore[arg-type]
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: Process, name: str, within_s: float = _STOP_S) -> dict[str, Any]:
    assert process.stdout is not None
    return _json(await asyncio.wait_for(process.stdout.readline(), within_s), name)


def _json(words: bytes, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(words)
    except orjson.JSONDecodeError as error:
        said = words[-300:].decode(errors="replace").strip()
        raise DemoFailed(text("{name} said no JSON but: {said}", name=name, said=said)) from error
    return found
