"""An OPC UA server that is not asyncua: node-opcua, in a process of its own that can be frozen and killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.simulate.opcua import NAMESPACE
from config.tags import ValueType
from tests.drivers.contract_suite import VALUES, tag_of
from tests.drivers.opcua_rig import address_of
from tests.drivers.proxy import Proxy
from tests.drivers.subscription_suite import SubscribingRig

TIMEOUT = "1.5s"  # it pauses now and then, longer than the suite's timeout, which it keeps within its slack
FOLDER = Path(__file__).parent / "node_opcua"
_TYPES = {
    ValueType.BOOL: "Boolean",
    ValueType.INT16: "Int16",
    ValueType.UINT16: "UInt16",
    ValueType.INT32: "Int32",
    ValueType.UINT32: "UInt32",
    ValueType.INT64: "Int64",
    ValueType.UINT64: "UInt64",
    ValueType.FLOAT32: "Float",
    ValueType.FLOAT64: "Double",
}


def missing() -> str:
    """Return why there is no such server here; empty where there is."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (FOLDER / "node_modules").is_dir():
        return "node-opcua is not installed; run: make node-opcua"
    return ""


class NodeServer:
    """A running server. `port` stays the same over restarts."""

    def __init__(self, nodes: Mapping[str, tuple[str, Any]], folder: Path) -> None:
        self._nodes = nodes
        self._folder = folder
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start, again with the first values."""
        self._process = subprocess.Popen(
            ["node", FOLDER / "server.js"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        wanted = {
            "nodes": self._nodes,
            "namespace": NAMESPACE,
            "folder": str(self._folder),
            "port": self.port,
        }
        self.port = self._say(wanted)["port"]

    def set(self, node_id: str, value: float) -> None:
        self._say({"set": [node_id, value]})

    def count(self, many: int, period_ms: int) -> None:
        """Let there be so many nodes more, `s=many.0` and so on, all of which count up together."""
        self._say({"count": [many, period_ms]})

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _say(self, words: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the server ended"
        return json.loads(line)


@contextmanager
def node_server(folder: Path) -> Iterator[NodeServer]:
    """Serve the suite's values."""
    if why := missing():
        pytest.skip(f"capability: {why}")
    nodes = {_node_id(name): (_TYPES[kind], _json(kind, value)) for name, (kind, value) in VALUES.items()}
    server = NodeServer(nodes, folder)
    try:
        yield server
    finally:
        server.kill()


class NodeRig(SubscribingRig):
    """A rig on such a server; `reading` says how the driver comes to its values."""

    absent = tag_of("absent", "ns=2;s=plc.absent")

    def __init__(self, node: NodeServer, proxy: Proxy, reading: str, **more: object) -> None:
        super().__init__(None, proxy, **more)
        self.node = node
        self._reading = reading

    def link(self) -> dict[str, object]:
        return {**super().link(), "reading": self._reading, "timeout": TIMEOUT}

    async def set(self, name: str, value: float) -> None:
        self.node.set(_node_id(name), value)


def _node_id(name: str) -> str:
    return address_of(name).rpartition(";")[2]


def _json(kind: ValueType, value: float) -> object:
    if kind in (ValueType.INT64, ValueType.UINT64):
        return str(value)
    return "NaN" if value != value else value
