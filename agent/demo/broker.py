"""An MQTT 5 broker on a loopback port, as a process that may be stopped and started again at that port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from config.text import Text, text

_READY_WITHIN_S: Final = 10.0
_PORT_ATTEMPTS: Final = 5
SEARCH_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
MOSQUITTO: Final = shutil.which("mosquitto", path=SEARCH_PATH)
"""Debian's broker, where it is installed."""

_IOTCORE_MAIN: Final = "import sys; from iotcore import Broker; Broker(config_path=sys.argv[1]).run_forever()"
_IOTCORE: Final = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 1000
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""


class BrokerFailed(Exception):  # noqa: N818 - the failure's own word
    """No broker of use could be started; `words`: why."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class Broker:
    """A broker process; `directory` takes its configuration and its log.

    `config` names host and port as `{host}` and `{port}`, `command` names the file as `{config}`.
    """

    def __init__(
        self, directory: Path, command: Sequence[str], config: str, *, host: str = "127.0.0.1"
    ) -> None:
        self.directory = directory
        self.host = host
        self.port = 0
        self._config = config
        self._path = directory / "broker.toml"
        self._command = [part.replace("{config}", str(self._path)) for part in command]
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def iotcore(cls, directory: Path, *, host: str = "127.0.0.1") -> Self:
        """Return rumqttd as the demo has it: it needs nothing but its wheel, and keeps nothing on disk."""
        return cls(directory, (sys.executable, "-c", _IOTCORE_MAIN, "{config}"), _IOTCORE, host=host)

    @classmethod
    def mosquitto(cls, directory: Path, options: str, *, host: str = "127.0.0.1") -> Self:
        """Return mosquitto, with `options` in its configuration; ask `MOSQUITTO` whether it is there."""
        # what root starts gives its rights away, and could then read nothing of ours
        rights = "user root\n" if os.geteuid() == 0 else ""
        config = f"listener {{port}} {{host}}\nmax_queued_messages 0\n{rights}{options}\n"
        return cls(directory, (MOSQUITTO or "mosquitto", "-c", "{config}"), config, host=host)

    @property
    def log(self) -> Path:
        """What it said since its last start."""
        return self.directory / "broker.log"

    @property
    def pid(self) -> int | None:
        """The process, where it runs."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start on a free port, or on that of last time; return when it listens. Raises BrokerFailed."""
        for _ in range(1 if self.port else _PORT_ATTEMPTS):
            port = self.port or free_port(self.host)
            if self._started(port):
                self.port = port
                return self
        said = self.log.read_text(errors="replace").strip()
        raise BrokerFailed(text("the broker does not start: {said}", said=said))

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _started(self, port: int) -> bool:
        config = self._config.replace("{port}", str(port)).replace("{host}", self.host)
        self._path.write_text(config, encoding="utf-8")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection((self.host, port), timeout=0.2).close()
            except OSError:
                time.sleep(0.01)
            else:
                return True
        self.kill()
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=_READY_WITHIN_S)
            self._process = None


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago, for those who cannot be asked to choose one themselves."""
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
