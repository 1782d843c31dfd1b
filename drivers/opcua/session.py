"""One OPC UA session: connected once, read from until the first failure, then thrown away.

The only file that knows asyncua. Of its client only the steps of connecting and the Read service are used:
none of its supervisors runs, so a session owns no task, and nothing reconnects behind our back.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from config.address import NodeAddress, NodeIdKind
from config.causes import cause_of
from config.text import text
from config.vocabulary import DETAIL_MASK
from drivers.contract import Desync, DeviceRefused, DeviceTimeout, LinkDown
from drivers.opcua.decode import Readings

MOST_NODES: Final = 500
"""Nodes of one Read request, unless the server allows fewer."""

_ABOUT_THE_SERVER: Final = (
    NodeAddress(0, "i", str(ObjectIds.Server_NamespaceArray)),
    NodeAddress(0, "i", str(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)),
)
_NO_NAMESPACE: Final = 0xFFFF  # no server has so many; it will say BadNodeIdUnknown
_NO_SESSION: Final = frozenset(
    {
        StatusCodes.BadSessionIdInvalid,
        StatusCodes.BadSessionClosed,
        StatusCodes.BadSessionNotActivated,
        StatusCodes.BadSecureChannelIdInvalid,
        StatusCodes.BadSecureChannelClosed,
        StatusCodes.BadConnectionClosed,
        StatusCodes.BadShutdown,
        StatusCodes.BadServerHalted,
    }
)
_GOODBYE_S: Final = 1.0
_RENEW_AFTER: Final = 0.75  # of the channel's lifetime (OPC UA Part 4, 5.5.2.1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ID_TYPES: Final[dict[NodeIdKind, ua.NodeIdType]] = {
    "i": ua.NodeIdType.Numeric,
    "s": ua.NodeIdType.String,
    "g": ua.NodeIdType.Guid,
    "b": ua.NodeIdType.ByteString,
}

# asyncua logs each failure with its traceback; here each one is raised, and `agent/poll.py` logs transitions.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class Wanted:
    """Nodes that are read together, as one session knows them, in requests that its server can take."""

    def __init__(self, node_ids: Sequence[ua.NodeId], most_nodes: int) -> None:
        ids = [ua.ReadValueId(NodeId=node_id, AttributeId=AttributeIds.Value) for node_id in node_ids]
        self.requests = [
            ua.ReadParameters(NodesToRead=ids[at : at + most_nodes]) for at in range(0, len(ids), most_nodes)
        ]


class Session:
    """A session with one server. After any DeviceError it is to be dropped, and another to be made."""

    def __init__(self, url: str, timeout_s: float, session_timeout_s: float) -> None:
        """`session_timeout_s`: how long the server keeps a session that nobody uses."""
        self._client = Client(url, timeout=timeout_s, auto_reconnect=False)
        self._client.session_timeout = round(session_timeout_s * 1000)
        self._url = url
        self._timeout_s = timeout_s
        self._renew_at_s = 0.0
        self._namespaces: dict[str, int] = {}
        self._most_nodes = MOST_NODES

    async def connect(self) -> None:
        """Connect, log in and learn the server's namespaces and limits, within the timeout.

        Raises LinkDown, DeviceTimeout, DeviceRefused, Desync.
        """
        try:
            with _translated(self._url):
                async with asyncio.timeout(self._timeout_s):
                    await self._log_in()
                    await self._learn()
        except BaseException:
            self.drop()
            raise

    async def read(self, wanted: Wanted) -> Readings:
        """Read the values of nodes. Raises LinkDown, DeviceTimeout, DeviceRefused, Desync."""
        results: list[ua.DataValue] = []
        with _translated(self._url):
            if asyncio.get_running_loop().time() >= self._renew_at_s:
                await self._open_channel(renew=True)
            for request in wanted.requests:
                found = await self._client.uaclient.read(request)
                if len(found) != len(request.NodesToRead):
                    raise Desync(text("the server answered for another number of nodes"))
                results += found
        return Readings(
            values=[None if result.Value is None else result.Value.Value for result in results],
            statuses=[0 if result.StatusCode is None else result.StatusCode.value for result in results],
            source_utc_ns=[_utc_ns(result.SourceTimestamp) for result in results],
        )

    def resolve(self, addresses: Sequence[NodeAddress]) -> Wanted:
        """Return what `read` takes; nodes of a namespace that the server does not have stay unknown to it."""
        return Wanted([self._node_id(address) for address in addresses], self._most_nodes)

    async def close(self) -> None:
        """Take leave of the server, within a second, and drop the connection."""
        with suppress(OSError, UaError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._client.close_session()
                await self._client.close_secure_channel()
        self.drop()

    def drop(self) -> None:
        """Drop the connection at once; whoever waits for an answer gets LinkDown."""
        protocol = self._client.uaclient.protocol
        self._client.disconnect_socket()
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()

    async def _log_in(self) -> None:
        await self._client.connect_socket()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # asyncio.wait_for may swallow a cancellation (Python 3.11)
        await self._client.send_hello()
        await self._open_channel()
        await self._client.create_session()
        await self._client.activate_session()

    async def _open_channel(self, *, renew: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self._renew_at_s = loop.time() + self._timeout_s  # nobody else shall renew meanwhile
        await self._client.open_secure_channel(renew=renew)
        self._renew_at_s = loop.time() + self._client.secure_channel_timeout / 1000 * _RENEW_AFTER

    async def _learn(self) -> None:
        namespaces, most_nodes = (await self.read(self.resolve(_ABOUT_THE_SERVER))).values
        if isinstance(namespaces, list):
            self._namespaces = {str(uri): index for index, uri in enumerate(namespaces)}
        if isinstance(most_nodes, int) and most_nodes > 0:
            self._most_nodes = min(most_nodes, MOST_NODES)

    def _node_id(self, address: NodeAddress) -> ua.NodeId:
        namespace: Any = address.namespace
        if isinstance(namespace, str):
            namespace = self._namespaces.get(namespace, _NO_NAMESPACE)
        identifier: Any = address.identifier
        match address.kind:
            case "i":
                identifier = int(address.identifier)
            case "g":
                identifier = UUID(address.identifier)
            case "b":
                identifier = b64decode(address.identifier)
        return ua.NodeId(identifier, namespace, _ID_TYPES[address.kind])


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn asyncua's failures into those of the contract; the one place that knows both."""
    try:
        yield
    except TimeoutError as error:
        raise DeviceTimeout(text("{url} did not answer in time", url=url)) from error
    except OSError as error:
        raise LinkDown(text("no connection to {url}: {cause}", url=url, cause=cause_of(error))) from error
    except UaStatusCodeError as error:
        status = ua.StatusCode(error.code)
        words = text("{url} refused: {status}", url=url, status=status.name)
        if error.code in _NO_SESSION:
            raise LinkDown(words) from error
        raise DeviceRefused(words, detail=error.code >> 16 & DETAIL_MASK) from error
    except UaError as error:
        raise Desync(text("an answer of {url} could not be understood", url=url)) from error


def _utc_ns(stamp: datetime | None) -> int:
    return 0 if stamp is None else max(0, (stamp - _EPOCH) // _MICROSECOND * 1000)
