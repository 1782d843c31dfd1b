"""The MQTT broker of the bench: mosquitto where there is one, else iotcore; on loopback, on a free port.

Nothing is on disk while it runs. It is asked to write its state when it ends, so that a broker that comes
back still knows the sink's session: otherwise what the agent sends before the sink is back would be the
broker's loss. iotcore cannot do that, so the outage needs mosquitto.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

from bench.process import cpu_s

_READY_WITHIN_S: Final = 10.0

_MOSQUITTO: Final = """\
listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
persistence true
persistence_location {folder}/
autosave_interval 0
log_dest none
"""

_IOTCORE: Final = """\
id = 0

[router]
id = 0
max_connections = 20
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "bench"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""


class BrokerFailed(Exception):  # noqa: N818 - the failure's own word
    """No broker could be started."""


class Broker:
    """One broker process with its folder; can be stopped and started again on the same port.

    `remembers`: whether it then still knows its sessions.
    """

    def __init__(self, folder: Path, host: str) -> None:
        self._host = host
        self.port = _free_port(host)
        self.remembers = _mosquitto() is not None
        self.name = "mosquitto" if self.remembers else "iotcore"
        self._command = self._prepare(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._spent_s = 0.0

    def cpu_s(self) -> float:
        """Return the CPU time of all its processes so far."""
        return self._spent_s + (cpu_s(self._process.pid) if self._process else 0.0)

    def start(self) -> None:
        """Start and return when it accepts connections. Raises BrokerFailed."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _READY_WITHIN_S
        while not _accepts(self._host, self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BrokerFailed(f"{self.name} did not start on port {self.port}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the process and return when it has ended."""
        if self._process is not None:
            self._spent_s = self.cpu_s()
            self._process.terminate()
            self._process.wait(timeout=_READY_WITHIN_S)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare(self, folder: Path) -> list[str]:
        mosquitto = _mosquitto()
        path = folder / "broker.toml"
        template = _MOSQUITTO if mosquitto else _IOTCORE
        path.write_text(template.format(host=self._host, port=self.port, folder=folder), encoding="utf-8")
        if mosquitto:
            return [mosquitto, "-c", str(path)]
        return [sys.executable, "-m", "iotcore", "--config", str(path), "--log-level", "CRITICAL"]


def _mosquitto() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True
