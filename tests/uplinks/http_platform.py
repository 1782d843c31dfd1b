"""An HTTP server as a platform for the contract suite."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.uplinks.post import PostUplink
from config.uplinks import HttpUplink
from tests.brokers import Broker
from tests.uplinks import http_server
from tests.uplinks.contract_suite import PeerPlatform
from tests.uplinks.observer import Observer


def settings(port: int, **more: object) -> HttpUplink:
    return HttpUplink.model_validate(
        {"type": "http", "url": f"http://127.0.0.1:{port}/in", "timeout": "1s", **more}
    )


def server(directory: Path) -> Broker:
    """Return the platform's process, to be killed, frozen and started like a broker."""
    command = (sys.executable, http_server.__file__, "{config}", str(directory / "taken"))
    return Broker(directory, command, "{port}")


class FileObserver(Observer):
    """Reads what the server wrote down; of what was before its time only what was to be kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = len(self._lines())
        kept = {line["kind"]: line for line in self._lines() if line["keep"]}
        self._kept = [(kind, base64.b64decode(line["payload"]), True) for kind, line in kept.items()]

    @property
    def seen(self) -> list[tuple[str, bytes, bool]]:  # type: ignore[override]
        new = self._lines()[self._before :]
        return self._kept + [(line["kind"], base64.b64decode(line["payload"]), False) for line in new]

    def _lines(self) -> list[dict]:
        written = self._path.read_bytes() if self._path.exists() else b""
        return [json.loads(line) for line in written.splitlines(keepends=True) if line.endswith(b"\n")]


@dataclass
class HttpPlatform(PeerPlatform):
    broker: Broker

    def uplink(self, *, will: bytes = b"", port: int | None = None) -> PostUplink:
        return PostUplink(settings(port or self.broker.port))

    @contextmanager
    def observing(self) -> Iterator[Observer]:
        yield FileObserver(self.broker.directory / "taken")
