"""Why there is no connection: what the system says when it fails, for people."""

from __future__ import annotations

import errno
import socket
from typing import Final

from config.text import Text, text

_CAUSES: Final[dict[int, Text]] = {
    errno.ECONNREFUSED: text("nothing listens there"),
    errno.ECONNRESET: text("the other side hung up"),
    errno.EPIPE: text("the other side hung up"),
    errno.ETIMEDOUT: text("no answer"),
    errno.EHOSTUNREACH: text("the host cannot be reached"),
    errno.ENETUNREACH: text("the network cannot be reached"),
    errno.ENOENT: text("there is no such port"),
    errno.EACCES: text("this user may not open it"),
    errno.EAGAIN: text("another program has it open"),
    errno.EBUSY: text("another program has it open"),
}


def cause_of(error: OSError) -> Text | str:
    """Return why there is no connection; in the system's own words where we have none."""
    if isinstance(error, TimeoutError):
        return text("no answer")
    if isinstance(error, socket.gaierror):
        return text("the name is not known")
    return _CAUSES.get(error.errno or 0) or error.strerror or str(error)
