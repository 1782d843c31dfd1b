"""Publish requests: kept waiting at the server, so that it can tell what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from asyncua import ua
from asyncua.client.ua_client import UaClient

from drivers.contract import DeviceError, LinkDown
from drivers.opcua.failures import translated

_MOST_WAITING: Final = 5  # small servers queue no more

Taker = Callable[[ua.NotificationMessage], None]
"""What hears the messages of one subscription."""


class Publisher:
    """One more publish request than there are subscriptions waits at the server of a session.

    The tasks that wait end with the session's connection, with `stop`, or with the first failure, which
    `check` raises.
    """

    def __init__(self, client: UaClient, url: str) -> None:
        self._client = client
        self._url = url
        self._takers: dict[int, Taker] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._acknowledged: list[ua.SubscriptionAcknowledgement] = []
        self._failure: DeviceError | None = None

    @property
    def lost(self) -> bool:
        """Whether the link is known to be down, which needs no scan to find out."""
        return isinstance(self._failure, LinkDown)

    @property
    def busy(self) -> bool:
        """Whether there is still a task to end."""
        return any(not task.done() for task in self._waiting)

    def check(self) -> None:
        """Raise what ended the tasks: a DeviceError, or a bug."""
        if self._failure is not None:
            raise self._failure.again()
        for task in self._waiting:
            if task.done() and not task.cancelled():
                task.result()

    def add(self, subscription: int, taker: Taker) -> None:
        """Let `taker` hear the messages of a subscription that the server has made."""
        self._takers[subscription] = taker
        while len(self._waiting) < min(len(self._takers) + 1, _MOST_WAITING):
            self._waiting.add(asyncio.create_task(self._wait(), name=f"publish {self._url}"))

    async def stop(self) -> None:
        """End the tasks; afterwards none is left."""
        for task in self._waiting:
            task.cancel()
        if self._waiting:
            await asyncio.wait(self._waiting)

    async def _wait(self) -> None:
        try:
            while True:
                with translated(self._url):
                    result = await self._ask()
                self._take(result)
        except DeviceError as error:
            self._failure = self._failure or error

    async def _ask(self) -> ua.PublishResult:
        acknowledged, self._acknowledged = self._acknowledged, []
        response: ua.PublishResponse = await self._client.publish(acknowledged)
        response.ResponseHeader.ServiceResult.check()
        result: ua.PublishResult = response.Parameters
        return result

    def _take(self, result: ua.PublishResult) -> None:
        message = result.NotificationMessage
        if message.NotificationData:
            self._acknowledged.append(
                ua.SubscriptionAcknowledgement(
                    SubscriptionId=result.SubscriptionId, SequenceNumber=message.SequenceNumber
                )
            )
        taker = self._takers.get(result.SubscriptionId)
        if taker is not None:
            taker(message)
