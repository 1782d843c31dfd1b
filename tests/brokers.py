"""Real MQTT brokers on loopback, as processes that a test may kill, freeze and start again on their port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

START_TIMEOUT_S: Final = 10.0
PORT_ATTEMPTS: Final = 5
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
MOSQUITTO: Final = shutil.which("mosquitto", path=_PATH)
MOSQUITTO_PASSWD: Final = shutil.which("mosquitto_passwd", path=_PATH)

_IOTCORE_MAIN: Final = "import sys; from iotcore import Broker; Broker(config_path=sys.argv[1]).run_forever()"
_IOTCORE_CONFIG: Final = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 1000
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 1048576
max_inflight_count = 100
"""


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A broker process. `config` names the port as `{port}`, `command` the config file as `{config}`."""

    directory: Path
    command: tuple[str, ...]
    config: str
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        """Start on a free port, or on the port of last time, and wait until it accepts connections."""
        for _ in range(1 if self.port else PORT_ATTEMPTS):
            port = self.port or free_port()
            if self._started(port):
                self.port = port
                return self
        raise RuntimeError(f"the broker does not start: {self.log.read_text(errors='replace')}")

    @property
    def log(self) -> Path:
        return self.directory / "broker.log"

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it from running while its connections stay; every thread of it has stopped on return."""
        self._signal(signal.SIGSTOP)
        assert self._process is not None
        threads = Path(f"/proc/{self._process.pid}/task")
        deadline = time.monotonic() + START_TIMEOUT_S
        while any(_state(thread) not in "tT" for thread in threads.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def thaw(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Broker:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.thaw()
            self.kill()

    def _started(self, port: int) -> bool:
        config = self.directory / "broker.toml"
        config.write_text(self.config.replace("{port}", str(port)), encoding="utf-8")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [part.replace("{config}", str(config)) for part in self.command],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            except OSError:
                time.sleep(0.01)
            else:
                return True
        self.kill()
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=10)
            self._process = None

    def _signal(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)


def _state(thread: Path) -> str:
    """Return the kernel's letter for what a thread does."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


def iotcore(directory: Path) -> Broker:
    """Return the broker that the demo uses; needs nothing but its wheel."""
    return Broker(directory, (sys.executable, "-c", _IOTCORE_MAIN, "{config}"), _IOTCORE_CONFIG)


def mosquitto(directory: Path, options: str = "allow_anonymous true") -> Broker:
    """Return Debian's mosquitto, without persistence. Ask `MOSQUITTO` first whether it is there."""
    rights = (
        "user root\n" if os.geteuid() == 0 else ""
    )  # it would give them away, and then read nothing of ours
    config = f"listener {{port}} 127.0.0.1\nmax_queued_messages 0\nlog_dest stderr\n{rights}{options}\n"
    return Broker(directory, (MOSQUITTO or "mosquitto", "-c", "{config}"), config)
