"""What is measured: the agent, or the bare loop in its place. Both say READY=1 and end at SIGTERM."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Literal, Self, cast

from bench.plant import Load, write_plant

Name = Literal["agent", "bare"]

_READY_WITHIN_S: Final = 60.0
_STOPS_WITHIN_S: Final = 30.0
_STATUS_WITHIN_S: Final = 5.0
_LAST_WORDS_BYTES: Final = 4000


class SubjectFailed(Exception):  # noqa: N818 - the failure's own word
    """The subject did not start, or ended by itself; its last words are in the message."""


class Subject:
    """One process under measurement; `folder` is its own, the agent's state is below it."""

    def __init__(self, name: Name, folder: Path, load: Load, ports: list[int], broker: int) -> None:
        self.name = name
        self.state = folder / "state"
        self._folder = folder
        self._command = (
            _bare_command(load, ports, broker)
            if name == "bare"
            else _agent_command(write_plant(folder, load, ports, broker), self.state)
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, for measuring. Raises SubjectFailed when the process has ended."""
        return self._running().pid

    def start(self) -> None:
        """Start and return at READY=1. Raises SubjectFailed."""
        address = self._folder / "notify"
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier,
            (self._folder / "subject.log").open("wb") as log,
        ):
            notifier.bind(str(address))
            notifier.settimeout(0.5)
            environment = os.environ | {"NOTIFY_SOCKET": str(address)}
            self._process = subprocess.Popen(
                self._command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            self._await_ready(notifier)

    def status(self) -> dict[str, Any]:
        """Return the agent's own status (GET /status on its socket); nothing for the bare loop."""
        if self.name == "bare":
            return {}
        connection = _UnixConnection(self.state / "fengsui.sock")
        try:
            connection.request("GET", "/status")
            return cast(dict[str, Any], json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def stop(self) -> None:
        """Ask for the end and wait for it. Raises SubjectFailed when it does not come or is not clean."""
        process = self._running()
        process.terminate()
        if process.wait(timeout=_STOPS_WITHIN_S) != 0:
            raise self._failed(f"ended with {process.returncode}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _await_ready(self, notifier: socket.socket) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            self._running()
            try:
                if b"READY=1" in notifier.recv(4096):
                    return
            except TimeoutError:
                continue
        raise self._failed(f"was not ready within {_READY_WITHIN_S:g} s")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise self._failed("is not running")
        return self._process

    def _failed(self, what: str) -> SubjectFailed:
        log = self._folder / "subject.log"
        last_words = log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace") if log.exists() else ""
        return SubjectFailed(f"{self.name} {what}; it said last:\n{last_words}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_STATUS_WITHIN_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _agent_command(plant: Path, state: Path) -> list[str]:
    return [sys.executable, "-m", "agent", "run", "--state", str(state), str(plant)]


def _bare_command(load: Load, ports: list[int], broker: int) -> list[str]:
    arguments = {
        "--ports": ",".join(map(str, ports)),
        "--broker": str(broker),
        "--registers": str(load.registers),
        "--period-ms": f"{load.period_ms:g}",
    }
    return [sys.executable, "-m", "bench.bare", *(word for pair in arguments.items() for word in pair)]
