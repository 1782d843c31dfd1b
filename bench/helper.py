"""How a helper process of the bench is spoken to: lines on its standard input, JSON lines on its output.

A helper says one object when it is ready, one for every line it is sent, and a last one when its standard
input closes or SIGTERM arrives. `Console` is the helper's side, `Helper` the harness's.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Self, cast

Answer = dict[str, Any]

_ANSWER_WITHIN_S: Final = 20.0


class Console:
    """The helper's side, for a selector loop: watch `fileno` and call `serve` when it is readable."""

    def __init__(self) -> None:
        self.closed = False
        self.fileno = sys.stdin.fileno()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def serve(self, answer: Callable[[str], Mapping[str, object]]) -> None:
        """Say one answer for each line that has arrived; note the end of the input."""
        data = os.read(self.fileno, 4096)
        self.closed = not data
        for command in data.decode().splitlines():
            self.say(answer(command))

    def say(self, answer: Mapping[str, object]) -> None:
        """Write one object as a line."""
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class HelperFailed(Exception):  # noqa: N818 - the failure's own word
    """A helper ended or fell silent; the measurement is worth nothing."""


class Helper:
    """The harness's side: one helper process, which ends with the `with` block at the latest.

    `ready` is what the helper said first. Raises HelperFailed wherever it does not answer in time.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._said = b""
        try:
            self.ready = self._read()
        except HelperFailed:
            self._end()
            raise

    @property
    def pid(self) -> int:
        """The process id, for measuring."""
        return self._process.pid

    def ask(self, command: str = "") -> Answer:
        """Return the helper's counters as they are now; `command` is the helper's own."""
        cast(IO[bytes], self._process.stdin).write(command.encode() + b"\n")
        return self._read()

    def close(self) -> Answer:
        """End the helper and return its last counters."""
        cast(IO[bytes], self._process.stdin).close()
        return self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        with self._process:
            self._process.kill()

    def _read(self) -> Answer:
        deadline = time.monotonic() + _ANSWER_WITHIN_S
        output = cast(IO[bytes], self._process.stdout)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while b"\n" not in self._said:
                readable = selector.select(max(0.0, deadline - time.monotonic()))
                data = output.read(1 << 16) if readable else b""
                if not data:
                    raise HelperFailed(f"{self.module} said nothing for {_ANSWER_WITHIN_S:g} s, or ended")
                self._said += data
        line, _, self._said = self._said.partition(b"\n")
        return cast(Answer, json.loads(line))
