"""A TCP connection tuned so that a dead line is seen, whether something is being sent or not."""

from __future__ import annotations

import socket
from typing import Final

UNANSWERED_MS: Final = 4_000
"""Bytes, or probes, that stay unconfirmed for so long end the connection (TCP_USER_TIMEOUT, RFC 5482)."""
PROBE_AFTER_S: Final = 3
PROBE_EVERY_S: Final = 1


def tune(wire: socket.socket) -> None:
    """Have small packets leave at once, and a line that carries nothing any more seen within about 5 s."""
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER_S)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY_S)
