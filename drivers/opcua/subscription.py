"""A scan group that its server reports: the last value of every node, taken at every grid instant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError

from config.tags import Deadband
from config.text import text
from config.vocabulary import Reason, bad
from drivers.contract import Desync, DeviceTimeout, DriverCounters, LinkDown, Scan, exact_of
from drivers.opcua.decode import Readings, decode
from drivers.opcua.failures import translated
from drivers.opcua.session import SERVER_STATE, Session, readings_of
from drivers.opcua.terms import Terms

MOST_NOTIFICATIONS: Final = 500
"""Values of one message: what takes some 15 ms to decode, so that no other device is kept waiting."""

_LIFETIME_S: Final = 30.0  # a subscription that nobody asks for is forgotten by the server
_KEEP_ALIVES_PER_LIFETIME: Final = 3  # at least (OPC UA Part 4, 5.13.2)
_LONGEST_KEEP_ALIVE_NS: Final = 10 * 10**9  # each is a request of ours, too, which keeps the session
_LATE_KEEP_ALIVE: Final = 1.5
_SECOND_NS: Final = 10**9
_MS_NS: Final = 10**6
_STALE: Final = bad(Reason.STALE)
_OVERFLOW: Final = 0x480  # of a StatusCode: InfoType DataValue with the bit Overflow (Part 4, 7.39.1)
_OVERFLOW_MASK: Final = 0xC80
_NO_FILTER: Final = frozenset(
    {
        StatusCodes.BadMonitoredItemFilterInvalid,
        StatusCodes.BadMonitoredItemFilterUnsupported,
        StatusCodes.BadFilterNotAllowed,
        StatusCodes.BadDeadbandFilterInvalid,
    }
)
_NO_MORE: Final = frozenset(
    {
        StatusCodes.BadTooManySubscriptions,
        StatusCodes.BadTooManyMonitoredItems,
        StatusCodes.BadServiceUnsupported,
    }
)


class Subscription:
    """The nodes of one scan group in one session.

    What the server does not watch (a node that is not there, more than it takes) is read at every scan, so
    that it has the server's own status, and its value as soon as there is one.
    """

    def __init__(self, session: Session, terms: Terms, counters: DriverCounters) -> None:
        count = len(terms.items)
        self._session = session
        self._terms = terms
        self._counters = counters
        self._wanted = session.resolve([item.address for item in terms.items])
        self._rest = self._wanted
        self._rest_at: list[int] = list(range(count))
        self._known = Readings(
            values=[None] * count, statuses=[0] * count, source_utc_ns=[0] * count, server_utc_ns=[0] * count
        )
        self._texts = terms.texts
        self._told = bytearray(count)
        self._heard_s = self._alive_s = 0.0
        self._ask_s = self._stale_s = self._lost_s = float("inf")
        self._begun = False
        self._beginning = asyncio.Lock()

    async def scan(self) -> Scan:
        """Return the last values. Raises DeviceError where the server fell silent, or said that it ends."""
        async with self._beginning:
            if not self._begun:
                await self._begin_or_drop()
        self._session.publisher.check()
        silent_s = _now_s() - self._heard_s
        if silent_s > self._lost_s:
            words = text(
                "{url} has told nothing for {seconds} s", url=self._session.url, seconds=f"{silent_s:.1f}"
            )
            raise DeviceTimeout(words)
        await self._session.keep_channel()
        await self._ask_for_life()
        await self._read_rest()
        scan = decode(self._known, self._texts)
        if self._unproved_s > self._stale_s:
            watched = np.ones(len(scan.raw), dtype=np.bool_)
            watched[self._rest_at] = False
            scan.quality[watched] = _STALE
            scan.raw[watched] = np.nan
            return replace(scan, exact=exact_of(scan.exact, scan.raw))
        return scan

    @property
    def _unproved_s(self) -> float:
        return _now_s() - max(self._heard_s, self._alive_s)

    async def _ask_for_life(self) -> None:
        """Read one node where the server keeps silent for longer than values are current without a word."""
        if self._unproved_s > self._ask_s:
            self._counters.requests += 1
            await self._session.read(self._session.resolve([SERVER_STATE]))
            self._alive_s = _now_s()

    async def _begin_or_drop(self) -> None:
        try:
            await self._begin()
        except asyncio.CancelledError:
            self._session.drop()  # what the server has made by now is nobody's
            raise

    async def _begin(self) -> None:
        """Subscribe, and read every node once, because the server tells nothing before its first interval."""
        with translated(self._session.url):
            if self._session.subscriptions_left > 0:
                self._rest_at = await self._subscribe()
        self._counters.requests += len(self._wanted.requests)
        seeds = await self._session.read(self._wanted)
        for index in range(len(self._told)):
            if not self._told[index]:
                self._known.take(index, seeds, index)
        self._rest = self._session.wanted([self._wanted.nodes[index] for index in self._rest_at])
        self._begun = True

    async def _subscribe(self) -> list[int]:
        """Subscribe; return the nodes that the server does not watch."""
        client = self._session.client.uaclient
        everything = list(range(len(self._terms.items)))
        try:
            made = await client.create_subscription(self._parameters(), _nobody)
        except UaStatusCodeError as error:
            if error.code in _NO_MORE:
                return everything
            raise
        self._session.subscriptions_left -= 1
        self._listen(made)
        taken, rest = everything[: self._session.items_left], everything[self._session.items_left :]
        self._session.items_left -= len(taken)
        refused = await self._watch(made.SubscriptionId, taken, filtered=True)
        unfiltered = [index for index, code in refused.items() if code in _NO_FILTER]
        refused = {index: code for index, code in refused.items() if code not in _NO_FILTER}
        refused |= await self._watch(made.SubscriptionId, unfiltered, filtered=False)
        return sorted([*rest, *refused])

    def _parameters(self) -> ua.CreateSubscriptionParameters:
        publishing_ns = self._terms.publishing_ns
        keep_alives = max(1, min(self._terms.stale_ns // 2, _LONGEST_KEEP_ALIVE_NS) // publishing_ns)
        lifetime = round(_LIFETIME_S * _SECOND_NS / publishing_ns)
        return ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_ns / _MS_NS,
            RequestedLifetimeCount=max(lifetime, _KEEP_ALIVES_PER_LIFETIME * keep_alives),
            RequestedMaxKeepAliveCount=keep_alives,
            MaxNotificationsPerPublish=MOST_NOTIFICATIONS,
        )

    def _listen(self, made: ua.CreateSubscriptionResult) -> None:
        """Hear what the server tells, and know how long it may be silent when nothing changes.

        A server may keep silent for longer than it was asked to: then it is asked for a sign of life.
        """
        keep_alive_s = made.RevisedPublishingInterval / 1000 * made.RevisedMaxKeepAliveCount
        self._stale_s = self._terms.stale_ns / _SECOND_NS
        if _LATE_KEEP_ALIVE * keep_alive_s > self._stale_s:
            self._ask_s = self._stale_s / 2
        self._lost_s = max(self._stale_s, keep_alive_s + self._terms.timeout_ns / _SECOND_NS)
        self._heard_s = _now_s()
        self._session.publisher.add(made.SubscriptionId, self._take)

    async def _watch(self, subscription: int, indices: Sequence[int], *, filtered: bool) -> dict[int, int]:
        """Have nodes watched; return the StatusCodes of those that the server refuses, by index."""
        refused: dict[int, int] = {}
        most = self._session.most_items
        for at in range(0, len(indices), most):
            part = indices[at : at + most]
            parameters = ua.CreateMonitoredItemsParameters(
                SubscriptionId=subscription,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[self._item(index, filtered=filtered) for index in part],
            )
            self._counters.requests += 1
            results = await self._session.client.uaclient.create_monitored_items(parameters)
            for index, result in zip(part, results, strict=True):
                if not result.StatusCode.is_good():
                    refused[index] = result.StatusCode.value
        return refused

    def _item(self, index: int, *, filtered: bool) -> ua.MonitoredItemCreateRequest:
        item = self._terms.items[index]
        parameters = ua.MonitoringParameters(
            ClientHandle=index,
            SamplingInterval=item.sampling_ns / _MS_NS,
            QueueSize=item.queue,
            DiscardOldest=True,
        )
        if filtered and item.deadband != Deadband():
            parameters.Filter = _filter(item.deadband)
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=self._wanted.nodes[index], AttributeId=AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=parameters,
        )

    def _take(self, message: ua.NotificationMessage) -> None:
        """Hear one message. Raises LinkDown where the server ends the subscription, Desync."""
        self._heard_s = _now_s()
        for told in message.NotificationData or ():
            if isinstance(told, ua.StatusChangeNotification):
                status = told.Status.name
                raise LinkDown(
                    text("{url} ended a subscription: {status}", url=self._session.url, status=status)
                )
            if isinstance(told, ua.DataChangeNotification):
                self._store(told.MonitoredItems)

    def _store(self, items: Sequence[ua.MonitoredItemNotification]) -> None:
        readings = readings_of([item.Value for item in items])
        for at, item in enumerate(items):
            if item.ClientHandle >= len(self._told):
                raise Desync(text("{url} told of a node that nobody asked for", url=self._session.url))
            self._known.take(item.ClientHandle, readings, at)
            self._told[item.ClientHandle] = True
        self._counters.overflows += sum(status & _OVERFLOW_MASK == _OVERFLOW for status in readings.statuses)

    async def _read_rest(self) -> None:
        if not self._rest_at:
            return
        self._counters.requests += len(self._rest.requests)
        found = await self._session.read(self._rest)
        for at, index in enumerate(self._rest_at):
            self._known.take(index, found, at)


def _filter(deadband: Deadband) -> ua.DataChangeFilter:
    absolute = deadband.percent is None
    return ua.DataChangeFilter(
        Trigger=ua.DataChangeTrigger.StatusValue,
        DeadbandType=(ua.DeadbandType.Absolute if absolute else ua.DeadbandType.Percent).value,
        DeadbandValue=(deadband.absolute if absolute else deadband.percent) or 0.0,
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _nobody(_result: ua.PublishResult) -> None:
    """What asyncua's own publish loop would call; it does not run."""
