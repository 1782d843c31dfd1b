"""Talk to the service manager (sd_notify(3)): one datagram a message, nothing where there is no manager."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(message: str) -> None:
    """Send `READY=1`, `WATCHDOG=1`, `STOPPING=1` or `STATUS=...` to $NOTIFY_SOCKET, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    with suppress(OSError), socket.socket(socket.AF_UNIX, kind) as manager:
        manager.sendto(message.encode(), address)  # a manager that is gone, or deaf, stops no plant


def watchdog_period_ns() -> int | None:
    """Return how often the manager wants to hear of progress (half its limit); None where it does not."""
    limit_us = os.environ.get("WATCHDOG_USEC")
    return int(limit_us) * 1000 // 2 if limit_us else None
