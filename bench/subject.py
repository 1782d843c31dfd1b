"""What is measured: the agent, or the bare loop in its place. Both say READY=1 and end at SIGTERM."""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self, cast

from bench.network import Network
from bench.plant import Load, write_plant

Name = Literal["agent", "bare"]

_READY_WITHIN_S: Final = 60.0
_STOPS_WITHIN_S: Final = 30.0
_LISTEN_S: Final = 0.5
_STATUS_WITHIN_S: Final = 5.0
_LAST_WORDS_BYTES: Final = 4000
_RAM: Final = Path("/dev/shm")

_AGENT: Final = """
import sys
sys.modules["scipy"] = None  # a development tool, absent where the agent is installed: numba would load it
from agent.cli.main import main
main()
"""


class SubjectFailed(Exception):  # noqa: N818 - the failure's own word
    """The subject did not start, or ended by itself; its last words are in the message."""


class Subject:
    """One process under measurement; `folder` is its own, the agent's state is below it.

    `wrap`: a command that becomes the process. `held`: where `bench.held` notes what holds its event loop.
    As a service manager has it, the agent's socket, and its log where no disk can be trusted, are in RAM.
    """

    def __init__(
        self,
        name: Name,
        folder: Path,
        load: Load,
        network: Network,
        wrap: Sequence[str] = (),
        held: Path | None = None,
    ) -> None:
        self.name = name
        self.state = folder / "state"
        self._folder = folder
        self._log = folder / "subject.log"
        self._wrap = wrap
        self._before, self._command = (
            ([], _bare_command(load, network))
            if name == "bare"
            else _agent_commands(write_plant(folder, load, network), self.state, held)
        )
        self._runtime = tempfile.TemporaryDirectory(
            prefix="fengsui-bench-", dir=_RAM if _RAM.is_dir() else None
        )
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.settimeout(_LISTEN_S)
        self._manager.bind(f"{self._runtime.name}/notify")
        self._process: subprocess.Popen[bytes] | None = None
        self.ready_after_s = math.nan

    @property
    def pid(self) -> int:
        """The process id, for measuring. Raises SubjectFailed when the process has ended."""
        return self._running().pid

    def start(self) -> None:
        """Start and return at READY=1; again, once it has ended. Raises SubjectFailed.

        The agent's kernels are compiled before, by a process of their own, as its service unit does it.
        """
        runtime = self._runtime.name
        environment = os.environ | {"NOTIFY_SOCKET": f"{runtime}/notify", "RUNTIME_DIRECTORY": runtime}
        with self._log.open("ab") as log:
            if self._before:
                subprocess.run(self._before, stdout=log, stderr=subprocess.STDOUT, check=True)
            begun_s = time.monotonic()
            self._process = subprocess.Popen(
                [*self._wrap, *self._command], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._await_ready()
        self.ready_after_s = time.monotonic() - begun_s

    def await_end(self, within_s: float) -> int:
        """Return its exit code when it has ended by itself. Raises SubjectFailed when it does not."""
        try:
            return self._running().wait(within_s)
        except subprocess.TimeoutExpired:
            raise self._failed(f"did not end within {within_s:g} s") from None

    def status(self) -> dict[str, Any]:
        """Return the agent's own status; nothing for the bare loop."""
        return self.ask("/status")

    def ask(self, question: str) -> dict[str, Any]:
        """Return the agent's answer to GET `question` on its socket; nothing for the bare loop."""
        return {} if self.name == "bare" else cast(dict[str, Any], json.loads(self.fetch(question)))

    def fetch(self, question: str) -> bytes:
        """Return the agent's answer to GET `question` as it came."""
        connection = _UnixConnection(Path(self._runtime.name) / "fengsui.sock")
        try:
            connection.request("GET", question)
            return connection.getresponse().read()
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
        self._manager.close()
        self._runtime.cleanup()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            self._running()
            try:
                if b"READY=1" in self._manager.recv(4096):
                    return
            except TimeoutError:
                continue
        raise self._failed(f"was not ready within {_READY_WITHIN_S:g} s")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise self._failed("is not running")
        return self._process

    def _failed(self, what: str) -> SubjectFailed:
        said = self._log.read_bytes() if self._log.exists() else b""
        last_words = said[-_LAST_WORDS_BYTES:].decode(errors="replace")
        return SubjectFailed(f"{self.name} {what}; it said last:\n{last_words}")


def as_installed(bytecode: Path) -> list[str]:
    """Return a command that becomes a subject with bytecode in a folder, which its first start fills."""
    return ["env", "--unset=PYTHONDONTWRITEBYTECODE", f"PYTHONPYCACHEPREFIX={bytecode}"]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_STATUS_WITHIN_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _agent_commands(plant: Path, state: Path, held: Path | None) -> tuple[list[str], list[str]]:
    agent = [sys.executable, "-c", _AGENT]
    timed = agent if held is None else [sys.executable, "-m", "bench.held", str(held)]
    return [*agent, "warm", "--state", str(state)], [*timed, "run", "--state", str(state), str(plant)]


def _bare_command(load: Load, network: Network) -> list[str]:
    arguments = {
        "--host": network.host,
        "--ports": ",".join(map(str, network.devices)),
        "--broker": str(network.broker),
        "--registers": str(load.registers),
        "--period-ms": f"{load.period_ms:g}",
    }
    return [sys.executable, "-m", "bench.bare", *(word for pair in arguments.items() for word in pair)]
