"""The agent as a process: started, asked, stopped, killed by its own handle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.cli.client import NotRunning, ask
from tests.system.waiting import until

START_S = 60.0
STOP_S = 30.0
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (INFO |WARN |ERROR) \S")
_PRIVATE = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM", "STATE_DIRECTORY", "RUNTIME_DIRECTORY")


@dataclass
class Agent:
    """`fengsui run` on one plant and one state directory; may be started again and again.

    `wrap`: a command to run it under. `journal`: everything that all its starts have said.
    """

    plant: Path
    state: Path
    cache: Path
    language: str = "en"
    wrap: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def journal_path(self) -> Path:
        return self.plant.parent / "agent.log"

    @property
    def journal(self) -> str:
        path = self.journal_path
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Agent:
        """Start it and return at once."""
        command = [
            *self.wrap,
            *(sys.executable, "-m", "agent", "--lang", self.language, "run"),
            *("--state", str(self.state), str(self.plant)),
        ]
        with self.journal_path.open("ab") as journal:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                env=clean_environment() | {"CACHE_DIRECTORY": str(self.cache)} | dict(self.environment),
            )
        return self

    def ready(self) -> Agent:
        """Wait until it answers, which it does only while it runs."""
        until(
            lambda: self.answers() or not self.alive, START_S, f"the agent answers; it said: {self.journal}"
        )
        assert self.alive, self.journal
        return self

    def answers(self) -> bool:
        try:
            self.ask("/status")
        except NotRunning:
            return False
        return True

    @property
    def socket(self) -> Path:
        return Path(self.environment.get("RUNTIME_DIRECTORY", self.state)) / "fengsui.sock"

    def ask(self, question: str = "/status") -> Any:
        return ask(self.socket, question)

    def concerns(self, language: str = "en") -> list[str]:
        return [concern[language] for concern in self.ask()["concerns"]]

    def tag(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask(f"/tags?tag={name}")[0]
        return found

    def stop(self) -> int:
        """End it in order; return its exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals) -> int:
        self.signal(how)
        return self.wait()

    def signal(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)

    def wait(self, within_s: float = STOP_S) -> int:
        """Return its exit code when it has ended."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent does not end: {self.journal}") from None

    def said(self) -> list[str]:
        """Return its lines without their times; what is no line of the journal fails the test."""
        lines = self.journal.splitlines()
        assert [line for line in lines if not _LINE.match(line)] == []
        return [line.partition(" ")[2] for line in lines]


def command(*words: str, language: str = "en", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `fengsui` and return what it said, and how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "agent", "--lang", language, *words],
        capture_output=True,
        encoding="utf-8",
        env=clean_environment() | environment,
        timeout=START_S,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what a service manager would have set."""
    return {name: value for name, value in os.environ.items() if name not in _PRIVATE}
