"""What every connection has: users who share it."""

from __future__ import annotations

from abc import ABC, abstractmethod


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
