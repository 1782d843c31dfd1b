"""Receive a drain and count it: `python -m bench.drain_sink --host H --broker PORT`.

Counts what arrives under which key, whether each lane keeps its order, whether events came first, and how
late live readings are. Driven as `bench.helper` says; the command `mark` ends a window for the latter.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from typing import Any, Final

import orjson

from agent.ranges import Ranges
from bench.figures import percentile
from bench.helper import Console
from bench.mqtt5 import CONNACK, PUBLISH, Packets, connect, parse_publish, subscribe

_CHUNK_BYTES: Final = 1 << 18


class Counts:
    """What arrived so far."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Ranges] = {}
        self._newest: dict[tuple[str, str, bool], int] = {}
        self._live_s: list[float] = []
        self._twice = 0
        self._disordered = 0
        self._readings = 0
        self._bytes = 0
        self._late_events = 0

    def take(self, payload: bytes) -> None:
        """Count one message."""
        found = orjson.loads(payload)
        if "seq" not in found:
            return
        self._bytes += len(payload)
        self._count(found, found["run"], found["stream"], found["seq"])
        if found["kind"] == "readings":
            self._readings += len(found["rows"])
            if not found["backfill"]:
                self._live_s.append(time.time() - found["scan"]["utc_ms"] / 1e3)
        elif found["backfill"] and self._newest.get((found["run"], "readings", True)):
            self._late_events += 1

    def mark(self) -> None:
        """Begin a new window."""
        self._live_s.clear()

    def counters(self) -> dict[str, Any]:
        """Return everything."""
        return {
            "records": sum(len(seen) for seen in self._seen.values()),
            "holes": sum(
                last - first + 1 for seen in self._seen.values() for first, last in seen.holes(1, seen.last)
            ),
            "readings": self._readings,
            "bytes": self._bytes,
            "twice": self._twice,
            "disordered": self._disordered,
            "events_after_readings": self._late_events,
            "live": len(self._live_s),
            "live_p50_s": percentile(self._live_s, 0.5),
            "live_p99_s": percentile(self._live_s, 0.99),
        }

    def _count(self, found: dict[str, Any], run: str, stream: str, seq: int) -> None:
        seen = self._seen.setdefault((run, stream), Ranges())
        self._twice += seq in seen
        seen.add(seq)
        lane = (run, stream, found["backfill"])
        self._disordered += seq < self._newest.get(lane, 0)
        self._newest[lane] = max(seq, self._newest.get(lane, 0))


class Sink:
    """One connection to the broker, subscribed to everything."""

    def __init__(self, broker: tuple[str, int], console: Console) -> None:
        self._console = console
        self._counts = Counts()
        self._packets = Packets()
        self._socket = socket.create_connection(broker)
        self._socket.sendall(connect("bench-drain-sink"))

    def run(self) -> None:
        """Receive until the console is closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._console.fileno, selectors.EVENT_READ)
            while not self._console.closed:
                for key, _ in selector.select():
                    if key.fileobj == self._console.fileno:
                        self._console.serve(self._answer)
                    else:
                        self._receive()

    def _receive(self) -> None:
        acknowledgements = []
        for head, body in self._packets.feed(self._socket.recv(_CHUNK_BYTES)):
            if head >> 4 == PUBLISH:
                publish = parse_publish(head, body)
                acknowledgements.append(publish.acknowledgement)
                self._counts.take(publish.payload)
            elif head >> 4 == CONNACK:
                self._socket.sendall(subscribe("#"))
            else:
                self._console.say({})
        self._socket.sendall(b"".join(acknowledgements))

    def _answer(self, command: str) -> dict[str, object]:
        counters = self._counts.counters()
        if command == "mark":
            self._counts.mark()
        return counters


def main() -> None:
    """Receive until standard input closes."""
    parser = argparse.ArgumentParser(prog="bench.drain_sink")
    parser.add_argument("--host", required=True, help="where the broker listens")
    parser.add_argument("--broker", type=int, required=True, help="its port")
    asked = parser.parse_args()
    Sink((asked.host, asked.broker), Console()).run()


if __name__ == "__main__":
    main()
