"""Receive everything and count it: `python -m bench.sink --broker PORT --devices 50 --registers 100 ...`.

Every message is decoded whole and every value compared with what the load devices must have served, and still
this costs little beside an agent: `bench.mqtt5` does no more than it must. The session outlives the
connection, so that a broker that restarts with its state keeps what arrives before the sink is back.

Driven as `bench.helper` says; the command `mark` ends a window: the times (latency, grid) of an answer are
those since the last mark. The command `hold` says that the load devices are on hold.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from typing import Final

from bench.helper import Console
from bench.message import Message, Meta, decode
from bench.mqtt5 import CONNACK, PUBLISH, SUBACK, Packets, accepted, connect, parse_publish, subscribe
from bench.tally import Tally

_CHUNK_BYTES: Final = 1 << 18
_RETRY_S: Final = 0.05


class Session:
    """One connection to the broker, subscribed to every topic."""

    def __init__(self, broker: tuple[str, int]) -> None:
        self.socket = socket.create_connection(broker, timeout=5.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._packets = Packets()
        self.socket.sendall(connect("bench-sink"))
        self.subscribed = False

    def receive(self, tally: Tally) -> None:
        """Count and acknowledge what has arrived. Raises OSError when the connection is lost."""
        data = self.socket.recv(_CHUNK_BYTES)
        if not data:
            raise ConnectionResetError("the broker has gone")
        arrival_utc_ns = time.time_ns()
        acknowledgements = []
        for head, body in self._packets.feed(data):
            if head >> 4 == PUBLISH:
                publish = parse_publish(head, body)
                acknowledgements.append(publish.acknowledgement)
                _count(publish.payload, arrival_utc_ns, tally)
            else:
                self._settle(head >> 4, body)
        self.socket.sendall(b"".join(acknowledgements))

    def _settle(self, kind: int, body: bytes) -> None:
        if kind in (CONNACK, SUBACK) and not accepted(kind, body):
            raise ConnectionRefusedError(f"the broker refused the sink: {body.hex()}")
        if kind == CONNACK:
            self.socket.sendall(subscribe("#"))
        self.subscribed |= kind == SUBACK


def _count(payload: bytes, arrival_utc_ns: int, tally: Tally) -> None:
    match decode(payload):
        case Meta() as meta:
            tally.learn(meta)
        case Message() as message:
            tally.take(message, arrival_utc_ns, len(payload))


class Sink:
    """The tally and the connection that feeds it, renewed for as long as it takes."""

    def __init__(self, broker: tuple[str, int], tally: Tally, console: Console) -> None:
        self._broker = broker
        self._tally = tally
        self._console = console
        self._selector = selectors.DefaultSelector()
        self._selector.register(console.fileno, selectors.EVENT_READ)
        self._session: Session | None = None

    def run(self) -> None:
        """Receive until the console is closed."""
        self._connect()
        while self._session is not None and not self._session.subscribed:
            self._receive()
        if self._session is None:
            raise ConnectionRefusedError("the broker does not let the sink subscribe")
        self._console.say({})
        while not self._console.closed:
            self._turn()

    def _turn(self) -> None:
        if self._session is None:
            self._connect()
        for key, _ in self._selector.select(_RETRY_S):
            if key.fileobj == self._console.fileno:
                self._console.serve(self._answer)
            else:
                self._receive()

    def _answer(self, command: str) -> dict[str, object]:
        counters = self._tally.counters()
        if command == "mark":
            self._tally.mark()
        if command == "hold":
            self._tally.hold()
        return counters

    def _connect(self) -> None:
        try:
            session = Session(self._broker)
        except OSError:
            return
        self._selector.register(session.socket, selectors.EVENT_READ)
        self._session = session

    def _receive(self) -> None:
        if self._session is None:
            return
        try:
            self._session.receive(self._tally)
        except OSError:
            self._selector.unregister(self._session.socket)
            self._session.socket.close()
            self._session = None


def main() -> None:
    """Receive until standard input closes."""
    parser = argparse.ArgumentParser(prog="bench.sink")
    parser.add_argument("--host", required=True, help="where the broker listens")
    parser.add_argument("--broker", type=int, required=True, help="its port")
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--registers", type=int, required=True)
    parser.add_argument("--period-ms", type=float, required=True)
    asked = parser.parse_args()
    tally = Tally(devices=asked.devices, registers=asked.registers, period_ns=round(asked.period_ms * 1e6))
    console = Console()
    try:
        Sink((asked.host, asked.broker), tally, console).run()
    finally:
        console.say(tally.counters())


if __name__ == "__main__":
    main()
