"""One OPC UA session: connected once, used until the first failure, then thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from config.address import NodeAddress
from config.opcua import OpcUaLink
from config.text import text
from drivers.contract import Desync
from drivers.opcua.connection import abort, endpoints_of, is_connected, make_client, say_goodbye, say_hello
from drivers.opcua.decode import Readings
from drivers.opcua.failures import translated
from drivers.opcua.keeper import Keeper
from drivers.opcua.keys import KeyStore
from drivers.opcua.nodes import Wanted, index_of, node_of
from drivers.opcua.publishing import Publisher
from drivers.opcua.security import choose, log_in, secure, trusted

SERVER_STATE: Final = NodeAddress(0, "i", str(ObjectIds.Server_ServerStatus_State))
_NAMESPACES: Final = NodeAddress(0, "i", str(ObjectIds.Server_NamespaceArray))
_LIMITS: Final = (
    NodeAddress(0, "i", str(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)),
    NodeAddress(0, "i", str(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall)),
)
_SECURED: Final = 3  # times longer may a secured connection take: small PLCs need seconds for their key
_RENEW_AFTER: Final = 0.75  # of the channel's lifetime (OPC UA Part 4, 5.5.2.1)
_MEMORY_SHARE: Final = 1 / 3  # of the time for which a server remembers us, after which it hears of us again
_LARGEST_INT64: Final = 2**63 - 1
_SECOND_NS: Final = 10**9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Session:
    """A session with one server. After any DeviceError it is to be dropped, and another to be made.

    `most_nodes`, `most_items`: of one Read and of one CreateMonitoredItems request. `items_left`,
    `subscriptions_left`: how many more the make of server takes.
    `certificate_expires_utc_ns`: of the server's certificate; None without security.
    """

    def __init__(self, link: OpcUaLink, session_timeout_s: float, keys: KeyStore) -> None:
        """`session_timeout_s`: how long the server is asked to keep a session that nobody uses."""
        self.url = link.url
        self.namespaces: list[str] = []
        self.most_nodes = self.most_items = link.limits.nodes
        self.items_left, self.subscriptions_left = link.limits.items, link.limits.subscriptions
        self.certificate_expires_utc_ns: int | None = None
        self._link = link
        self._keys = keys
        self._timeout_s = link.timeout / _SECOND_NS
        self.client = make_client(link.url, self._timeout_s)
        self.client.session_timeout = round(session_timeout_s * 1000)
        self.publisher = Publisher(self.client.uaclient, link.url)
        self._session_timeout_s = session_timeout_s
        self._keeper = Keeper()
        self._renew_at_s = 0.0
        self._uris: set[str] = set()
        self._looked_at_s = 0.0

    async def connect(self) -> None:
        """Connect, log in and learn the server's namespaces and limits, within one timeout; secured, three.

        Raises LinkDown, DeviceTimeout, DeviceRefused, Desync.
        """
        try:
            with translated(self.url):
                async with asyncio.timeout(
                    self._timeout_s * (1 if self._link.security is None else _SECURED)
                ):
                    endpoint = await self._secure()
                    await say_hello(self.client)
                    await self._open_channel()
                    await self.client.create_session()
                    await log_in(self.client, self.url, self._link.user, endpoint)
                    await self._learn()
        except BaseException:
            self.drop()
            raise
        self._stay_known()

    @property
    def lost(self) -> bool:
        """Whether it is known, without asking, that this session has ended."""
        return self._keeper.failed or self.publisher.lost or not is_connected(self.client)

    @property
    def busy(self) -> bool:
        """Whether there are still tasks to end."""
        return self._keeper.busy or self.publisher.busy

    async def read(self, wanted: Wanted) -> Readings:
        """Read the values of nodes. Raises LinkDown, DeviceTimeout, DeviceRefused, Desync."""
        results: list[ua.DataValue] = []
        await self.keep_channel()
        with translated(self.url):
            for request in wanted.requests:
                found = await self.client.uaclient.read(request)
                if len(found) != len(request.NodesToRead):
                    raise Desync(text("the server answered for another number of nodes"))
                results += found
        return readings_of(results)

    def resolve(self, addresses: Sequence[NodeAddress]) -> Wanted:
        """Return what `read` takes; nodes of a namespace that the server does not have stay unknown to it."""
        self._uris.update(address.namespace for address in addresses if isinstance(address.namespace, str))
        return self.wanted([node_of(address, self.namespaces) for address in addresses])

    async def look_at_namespaces(self, every_s: float) -> None:
        """Learn the namespaces again, where some are used and that was done longer ago.

        Raises what `read` does; Desync where one that is used has another number now, or has one at last.
        """
        now_s = asyncio.get_running_loop().time()
        if not self._uris or now_s - self._looked_at_s < every_s:
            return
        known = self.namespaces
        await self._learn_namespaces()
        if any(index_of(uri, known) != index_of(uri, self.namespaces) for uri in self._uris):
            raise Desync(text("{url} numbers its namespaces anew", url=self.url))

    def wanted(self, nodes: Sequence[ua.NodeId]) -> Wanted:
        """Return what `read` takes, in requests that this server takes."""
        return Wanted(nodes, self.most_nodes)

    async def keep_channel(self) -> None:
        """Renew the channel where it is time to."""
        if asyncio.get_running_loop().time() >= self._renew_at_s:
            with translated(self.url):
                await self._open_channel(renew=True)

    async def close(self) -> None:
        """Take leave of the server, within a second, and drop the connection."""
        await self.stop()
        await say_goodbye(self.client)
        self.drop()

    def drop(self) -> None:
        """Drop the connection at once; whoever waits for an answer gets LinkDown."""
        self._keeper.stop()
        abort(self.client)

    async def stop(self) -> None:
        """End all tasks; afterwards none is left."""
        await self._keeper.stopped()
        await self.publisher.stop()

    def _stay_known(self) -> None:
        """Ask in between where server or channel remember us for less long than we asked for."""
        shortest_s = min(self.client.session_timeout, self.client.secure_channel_timeout) / 1000
        if shortest_s < self._session_timeout_s:
            state = self.resolve([SERVER_STATE])
            self._keeper.start(lambda: self.read(state), _MEMORY_SHARE * shortest_s, self.url)

    async def _secure(self) -> ua.EndpointDescription | None:
        """Ask for the channel that the plant wants. Raises SecurityRefused where there is none."""
        if self._link.security is None:
            return None
        endpoint = choose(self.url, await endpoints_of(self.url, self._timeout_s), self._link.security)
        certificate = endpoint.ServerCertificate or b""
        found = trusted(self.url, certificate, self._keys)
        self.certificate_expires_utc_ns = int(found.not_valid_after_utc.timestamp()) * _SECOND_NS
        await secure(self.client, self._link.security, certificate, self._keys)
        return endpoint

    async def _open_channel(self, *, renew: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self._renew_at_s = loop.time() + self._timeout_s  # nobody else shall renew meanwhile
        await self.client.open_secure_channel(renew=renew)
        self._renew_at_s = loop.time() + self.client.secure_channel_timeout / 1000 * _RENEW_AFTER

    async def _learn(self) -> None:
        await self._learn_namespaces()
        most_nodes, most_items = (await self.read(self.resolve(_LIMITS))).values
        self.most_nodes = _limited(self.most_nodes, most_nodes)
        self.most_items = _limited(self.most_items, most_items)

    async def _learn_namespaces(self) -> None:
        self._looked_at_s = asyncio.get_running_loop().time()
        (namespaces,) = (await self.read(self.resolve([_NAMESPACES]))).values
        if isinstance(namespaces, list):
            self.namespaces = [str(uri) for uri in namespaces]


def readings_of(results: Sequence[ua.DataValue]) -> Readings:
    """Return what a server said of some nodes."""
    return Readings(
        values=[None if result.Value is None else result.Value.Value for result in results],
        statuses=[0 if result.StatusCode is None else result.StatusCode.value for result in results],
        source_utc_ns=[_utc_ns(result.SourceTimestamp) for result in results],
        server_utc_ns=[_utc_ns(result.ServerTimestamp) for result in results],
    )


def _limited(ours: int, told: object) -> int:
    return min(ours, told) if isinstance(told, int) and told > 0 else ours


def _utc_ns(stamp: datetime | None) -> int:
    """Return a time; 0 for none, and for those by which servers say that they know none (1601, 9999)."""
    utc_ns = 0 if stamp is None else (stamp - _EPOCH) // _MICROSECOND * 1000
    return utc_ns if 0 <= utc_ns < _LARGEST_INT64 else 0
