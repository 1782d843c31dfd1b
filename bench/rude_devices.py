"""Be three devices that nobody wants: one silent, one that trickles a byte a second, one that never stops.

Driven as `bench.helper` says: `ports` when listening (silent, trickling, flooding), then how often each was
connected to.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bench.helper import Console

_TRICKLE_EVERY_S: Final = 1.0
_FLOOD: Final = b"\x55" * 1024
_FLOOD_EVERY_S: Final = 0.001
_READ_BYTES: Final = 4096


@dataclass
class RudeDevice:
    """One endpoint that answers nothing; `sends` goes to every client `every_s`."""

    host: str
    sends: bytes
    every_s: float
    clients: set[socket.socket] = field(default_factory=set)
    connections: int = 0
    due_s: float = 0.0

    def __post_init__(self) -> None:
        self.listener = socket.create_server((self.host, 0), backlog=8)
        self.listener.setblocking(False)

    def accept(self) -> socket.socket:
        """Take one client more."""
        client, _ = self.listener.accept()
        client.setblocking(False)
        self.clients.add(client)
        self.connections += 1
        return client

    def send(self) -> None:
        """Bother everybody who is connected; whoever has no room for more is spared this time."""
        for client in self.clients:
            try:
                client.send(self.sends)
            except OSError:
                continue  # gone or full; the loop finds out which


class RudeDevices:
    """All three in one loop."""

    def __init__(self, host: str) -> None:
        self.devices = [
            RudeDevice(host, b"", _TRICKLE_EVERY_S),
            RudeDevice(host, b"\x00", _TRICKLE_EVERY_S),
            RudeDevice(host, _FLOOD, _FLOOD_EVERY_S),
        ]
        self.selector = selectors.EpollSelector()
        for device in self.devices:
            self._watch(device.listener, partial(self._accept, device))

    def counters(self) -> dict[str, object]:
        """Return how often each was connected to."""
        return {"connections": [device.connections for device in self.devices]}

    def run(self, console: Console) -> None:
        """Be rude until the console is closed."""
        self._watch(console.fileno, lambda: console.serve(lambda _: self.counters()))
        while not console.closed:
            for key, _ in self.selector.select(_FLOOD_EVERY_S):
                key.data()
            now_s = time.monotonic()
            for device in self.devices:
                if device.sends and now_s >= device.due_s:
                    device.due_s = now_s + device.every_s
                    device.send()

    def _watch(self, readable: socket.socket | int, react: Callable[[], None]) -> None:
        self.selector.register(readable, selectors.EVENT_READ, react)

    def _accept(self, device: RudeDevice) -> None:
        client = device.accept()
        self._watch(client, partial(self._listen, device, client))

    def _listen(self, device: RudeDevice, client: socket.socket) -> None:
        try:
            gone = not client.recv(_READ_BYTES)
        except OSError:
            gone = True
        if gone:
            self.selector.unregister(client)
            device.clients.discard(client)
            client.close()


def main() -> None:
    """Be rude until standard input closes."""
    parser = argparse.ArgumentParser(prog="bench.rude_devices")
    parser.add_argument("--host", default="127.0.0.1")
    rude = RudeDevices(parser.parse_args().host)
    console = Console()
    console.say({"ports": [device.listener.getsockname()[1] for device in rude.devices]})
    try:
        rude.run(console)
    finally:
        console.say(rude.counters())


if __name__ == "__main__":
    main()
