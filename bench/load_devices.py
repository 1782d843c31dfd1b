"""Be many Modbus TCP devices that cost next to nothing: `python -m bench.load_devices --devices 50`.

Every device answers function code 3 with registers that all change with every request: register `i` of the
`n`-th answer (n = 1, 2, ...) holds `(n + i) mod 65536`. A receiver thereby knows from the values alone which
answer of which device it holds, so that loss can be counted without believing the agent.

One epoll loop; an answer is one slice of a table made beforehand. Requests of other function codes are
answered with exception 1 and counted; those that write are counted apart and must stay zero.

Driven as `bench.helper` says: `ports` when listening, then the counters for each line. After the command
`hold` every device repeats its last answer and no longer counts: nothing new is served, nobody falls silent.
The command `grid PERIOD_MS` ends a window, and its answer says how the requests in it kept such a grid.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from agent.simulate.account import note_device, note_write
from bench.figures import lateness_ns, shares_ms
from bench.helper import Answer, Console

READ_HOLDING: Final = 3
WRITE_CODES: Final = frozenset({5, 6, 15, 16, 21, 22, 23})
MOST_WORDS: Final = 125
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_VALUE: Final = 3

_REQUEST: Final = struct.Struct(">HHHBBHH")
_HEADER: Final = struct.Struct(">HHHBBB")
_MBAP_BYTES: Final = 6
_COUNTING: Final = struct.pack(">65536H", *range(65536)) * 3
"""Registers that count, long enough for the highest address after the highest counter."""


class Device:
    """One endpoint: its listening socket, what it has answered, and when it was asked in this window."""

    __slots__ = ("answers", "asked_ns", "listener", "others", "readings", "step", "writes")

    def __init__(self, host: str) -> None:
        self.listener = socket.create_server((host, 0), backlog=8)
        self.listener.setblocking(False)
        self.answers = 0
        self.step = 1
        self.readings = 0
        self.writes = 0
        self.others = 0
        self.asked_ns: list[int] = []
        note_device("bench")

    def answer(self, request: bytes) -> bytes:
        """Return the reply to one whole request and count it."""
        transaction, _, _, unit, code, address, words = _REQUEST.unpack_from(request.ljust(_REQUEST.size))
        if code != READ_HOLDING:
            self._count_other(code)
            return _HEADER.pack(transaction, 0, 3, unit, code | 0x80, ILLEGAL_FUNCTION)
        if not 1 <= words <= MOST_WORDS:
            return _HEADER.pack(transaction, 0, 3, unit, code | 0x80, ILLEGAL_VALUE)
        self.asked_ns.append(time.monotonic_ns())
        self.answers += self.step
        self.readings += words
        first = 2 * ((self.answers & 0xFFFF) + address)
        size = 2 * words
        return _HEADER.pack(transaction, 0, size + 3, unit, code, size) + _COUNTING[first : first + size]

    def _count_other(self, code: int) -> None:
        if code in WRITE_CODES:
            self.writes += 1
            note_write("bench", code)
        else:
            self.others += 1


class Connection:
    """One client of a device; keeps the part of a request that has not arrived whole."""

    __slots__ = ("device", "rest", "socket")

    def __init__(self, client: socket.socket, device: Device) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = client
        self.device = device
        self.rest = b""

    def serve(self) -> bool:
        """Answer what has arrived; False when the client is gone or does not read its answers."""
        try:
            data = self.socket.recv(4096)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if not data:
            return False
        replies = self._replies(self.rest + data)
        try:
            return self.socket.send(replies) == len(replies)
        except OSError:
            return False

    def _replies(self, data: bytes) -> bytes:
        replies = []
        while len(data) >= _MBAP_BYTES:
            end = _MBAP_BYTES + int.from_bytes(data[4:6], "big")
            if len(data) < end:
                break
            replies.append(self.device.answer(data[:end]))
            data = data[end:]
        self.rest = data
        return b"".join(replies)


class LoadDevices:
    """All devices in one loop."""

    def __init__(self, host: str, count: int) -> None:
        self.devices = [Device(host) for _ in range(count)]
        self.selector = selectors.EpollSelector()
        for device in self.devices:
            self._watch(device.listener, partial(self._accept, device))

    def ports(self) -> list[int]:
        """Return the port of each device."""
        return [device.listener.getsockname()[1] for device in self.devices]

    def counters(self) -> Answer:
        """Return what was served; `answers` by device, the others summed."""
        return {
            "answers": [device.answers for device in self.devices],
            "readings": sum(device.readings for device in self.devices),
            "writes": sum(device.writes for device in self.devices),
            "others": sum(device.others for device in self.devices),
        }

    def run(self, console: Console) -> None:
        """Serve until the console is closed."""
        self._watch(console.fileno, lambda: console.serve(self._obey))
        while not console.closed:
            for key, _ in self.selector.select():
                key.data()

    def grid(self, period_ms: float) -> Answer:
        """Return how late and how often all were asked since the last time this was said."""
        period_ns = round(period_ms * 1e6)
        lates = [late for device in self.devices for late in lateness_ns(device.asked_ns, period_ns)]
        for device in self.devices:
            device.asked_ns.clear()
        return {"late_ms": shares_ms(lates), "asked": len(lates)}

    def _obey(self, command: str) -> Answer:
        if command == "hold":
            for device in self.devices:
                device.step = 0
        word, _, period_ms = command.partition(" ")
        return self.counters() | (self.grid(float(period_ms)) if word == "grid" else {})

    def _watch(self, readable: socket.socket | int, react: Callable[[], None]) -> None:
        self.selector.register(readable, selectors.EVENT_READ, react)

    def _accept(self, device: Device) -> None:
        client, _ = device.listener.accept()
        connection = Connection(client, device)
        self._watch(client, partial(self._serve, connection))

    def _serve(self, connection: Connection) -> None:
        if not connection.serve():
            self.selector.unregister(connection.socket)
            connection.socket.close()


def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="bench.load_devices")
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--host", default="127.0.0.1")
    asked = parser.parse_args()
    load = LoadDevices(asked.host, asked.devices)
    console = Console()
    console.say({"ports": load.ports()})
    try:
        load.run(console)
    finally:
        console.say(load.counters())


if __name__ == "__main__":
    main()
