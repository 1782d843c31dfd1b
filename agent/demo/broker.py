"""An MQTT 5 broker on a free loopback port, in a process of its own (iotcore: rumqttd in a wheel)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Final

from iotcore import Broker

_CONFIGURATION: Final = Template(
    """
id = 0
[router]
id = 0
max_connections = 50
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5"
listen = "127.0.0.1:$port"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""
)


@contextmanager
def broker(directory: Path) -> Iterator[int]:
    """Run the broker while inside; gives its port. `directory` takes its configuration."""
    port = _free_port()
    path = directory / "broker.toml"
    path.write_text(_CONFIGURATION.substitute(port=port), encoding="utf-8")
    with Broker(config_path=str(path)):
        yield port


def _free_port() -> int:
    """Return a port that is free now; the broker cannot be asked to choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
