"""An OPC UA server that holds the nodes it is told to, lets nobody write, and counts who tries."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncua import ua
from asyncua.common.callback import CallbackType
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from agent.simulate.account import note_device, note_write
from agent.simulate.opcua_security import ServerSecurity, secure
from config.address import NodeAddress, parse_node_id
from config.tags import ValueType
from drivers.opcua.nodes import node_of

NAMESPACE: Final = "urn:fengsui:simulator"
"""The namespace URI of nodes spelled `nsu=urn:fengsui:simulator;...`; its index is 2."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VARIANTS: Final = {
    ValueType.BOOL: ua.VariantType.Boolean,
    ValueType.INT16: ua.VariantType.Int16,
    ValueType.UINT16: ua.VariantType.UInt16,
    ValueType.INT32: ua.VariantType.Int32,
    ValueType.UINT32: ua.VariantType.UInt32,
    ValueType.INT64: ua.VariantType.Int64,
    ValueType.UINT64: ua.VariantType.UInt64,
    ValueType.FLOAT32: ua.VariantType.Float,
    ValueType.FLOAT64: ua.VariantType.Double,
}

Value = bool | int | float | str | list[float]


@dataclass(slots=True)
class Counts:
    """What was asked. `reads`: values read. `writes`: values that somebody tried to write; must stay 0."""

    reads: int = 0
    writes: int = 0


class OpcUaSimulator:
    """A running server. Made by `serve`."""

    def __init__(self, server: Server, namespaces: Sequence[str], types: Mapping[str, ValueType]) -> None:
        self.counts = Counts()
        self.port: int = server.bserver._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"opc.tcp://127.0.0.1:{self.port}/"
        self._server = server
        self._namespaces = namespaces
        self._types = dict(types)
        note_device("opcua")
        server.subscribe_server_callback(CallbackType.PreRead, self._count_reads)
        server.subscribe_server_callback(CallbackType.PreWrite, self._count_writes)

    async def set(
        self,
        address: str,
        value: Value | None,
        *,
        status: int = StatusCodes.Good,
        source_utc_ns: int | None = None,
    ) -> None:
        """Let a node hold another value, with a StatusCode and a source time (None: now, 0: none at all)."""
        now: Any = datetime.now(UTC)
        stamp: Any = now if source_utc_ns is None else _stamp(source_utc_ns)
        code: Any = status
        reading = ua.DataValue(
            _variant(value, self._types[address]),
            ua.StatusCode(code),
            SourceTimestamp=stamp,
            ServerTimestamp=now,
        )
        await self._server.write_attribute_value(self._node(address), reading)

    async def add(self, address: str, value: Value, kind: ValueType = ValueType.FLOAT64) -> None:
        """Let there be a node more."""
        self._types[address] = kind
        await _add(self._server, self._node(address), _variant(value, kind))

    def _node(self, address: str) -> ua.NodeId:
        return node_of(parse_node_id(address), self._namespaces)

    async def _count_reads(self, event: Any, _: object) -> None:
        if event.is_external:
            self.counts.reads += len(event.request_params.NodesToRead)

    async def _count_writes(self, event: Any, _: object) -> None:
        if event.is_external:
            for node in event.request_params.NodesToWrite:
                self.counts.writes += 1
                note_write("opcua", node.NodeId)


@asynccontextmanager
async def serve(
    nodes: Mapping[str, tuple[ValueType, Value]],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    security: ServerSecurity | None = None,
) -> AsyncIterator[OpcUaSimulator]:
    """Serve `nodes` (by their NodeId) until the context is left.

    Namespaces are there as the NodeIds name them: by index (2 is `NAMESPACE`) or by URI.
    `port` 0 takes a free one, told by `.port` and `.url`. Takes some seconds to start. The server's tasks run
    on the caller's event loop and end with the context.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    server = Server(user_manager=security)
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/")
    await secure(server, security)
    for uri in _namespaces(parse_node_id(address) for address in nodes):
        await server.register_namespace(uri)
    namespaces = await server.get_namespace_array()
    for address, (kind, value) in nodes.items():
        await _add(server, node_of(parse_node_id(address), namespaces), _variant(value, kind))
    async with server:
        yield OpcUaSimulator(server, namespaces, {address: kind for address, (kind, _) in nodes.items()})


async def _add(server: Server, node: ua.NodeId, value: ua.Variant) -> None:
    name = ua.QualifiedName(str(node.Identifier), node.NamespaceIndex)
    await server.nodes.objects.add_variable(node, name, value)


def _namespaces(nodes: Iterable[NodeAddress]) -> list[str]:
    """Return the URIs of a server's namespaces from index 2 on: as many as are named, then the named ones."""
    named = [node.namespace for node in nodes]
    highest = max((index for index in named if isinstance(index, int)), default=2)
    spare = [f"{NAMESPACE}:{index}" for index in range(3, highest + 1)]
    return list(dict.fromkeys([NAMESPACE, *spare, *(uri for uri in named if isinstance(uri, str))]))


def _variant(value: Value | None, kind: ValueType) -> ua.Variant:
    if value is None or isinstance(value, str | list):
        return ua.Variant(value)
    whole = kind is not ValueType.BOOL and not kind.value.startswith("float")
    return ua.Variant(int(value) if whole else value, _VARIANTS.get(kind, ua.VariantType.Double))


def _stamp(utc_ns: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=utc_ns // 1000) if utc_ns else None
