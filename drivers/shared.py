"""What every connection has: users who share it, and reasons for which there is none."""

from __future__ import annotations

import errno
import socket
from abc import ABC, abstractmethod
from typing import Final

from config.text import Text, text

_CAUSES: Final = {
    errno.ECONNREFUSED: text("nothing listens there"),
    errno.ENOENT: text("there is no such port"),
    errno.EACCES: text("this user may not open it"),
    errno.EAGAIN: text("another program has it open"),
    errno.EBUSY: text("another program has it open"),
}


class Shared(ABC):
    """A connection that several drivers use; the last of them closes it."""

    def __init__(self) -> None:
        self._users: set[object] = set()

    def join(self, user: object) -> None:
        """Keep the connection for one user more."""
        self._users.add(user)

    async def leave(self, user: object) -> None:
        """Let a user go, who may be gone already; close when it was the last."""
        if user in self._users:
            self._users.remove(user)
            if not self._users:
                await self.close()

    @abstractmethod
    async def close(self) -> None:
        """Close for good, leaving no task and no socket behind; whoever still asks gets LinkDown."""


def cause_of(error: OSError) -> Text | str:
    """Return why there is no connection; in the system's own words where we have none."""
    if isinstance(error, TimeoutError):
        return text("no answer")
    if isinstance(error, socket.gaierror):
        return text("the name is not known")
    return _CAUSES.get(error.errno or 0) or error.strerror or str(error)
