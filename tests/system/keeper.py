"""A platform that keeps what it receives: `fengsui receive` as a process, writing down every arrival."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.system.program import STOP_S, clean_environment
from tests.system.waiting import until

STARTS_S = 30.0


class Keeper:
    """What it has written down is in `out`."""

    def __init__(self, out: Path, *options: str, wrap: Sequence[str] = ()) -> None:
        self.out = out
        self._process = subprocess.Popen(
            [*wrap, sys.executable, "-m", "agent", "receive", "--out", str(out), "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
        )

    def listening(self) -> None:
        """Wait until it listens."""
        until(lambda: any(line.get("listening") for line in self.lines()), STARTS_S, "it listens")

    def lines(self) -> list[dict[str, Any]]:
        """Return what it wrote, but for a line that it is writing."""
        written = self.out.read_bytes() if self.out.exists() else b""
        return [orjson.loads(line) for line in written.splitlines(keepends=True) if line.endswith(b"\n")]

    def records(self) -> list[dict[str, Any]]:
        """Return the records that it has, each once."""
        return [
            line["message"]
            for line in self.lines()
            if line.get("verdict") == "new" and "seq" in line["message"]
        ]

    def counters(self) -> set[int]:
        """Return the values of the first tag of a counting device."""
        return {int(record["rows"][0][1]) for record in self.records() if record["kind"] == "readings"}

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> dict[str, Any]:
        """End it and return its summary."""
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=STOP_S)
        summary: dict[str, Any] = orjson.loads(said)
        return summary

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def keeping(out: Path, *options: str, wrap: Sequence[str] = ()) -> Iterator[Keeper]:
    """Run it while inside; `wrap`: a command to run it under."""
    keeper = Keeper(out, *options, wrap=wrap)
    try:
        yield keeper
    finally:
        keeper.kill()
