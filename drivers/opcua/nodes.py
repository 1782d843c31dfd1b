"""Nodes as one session numbers them: namespaces by index, requests of a size that the server takes."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from config.address import NodeAddress, NodeIdKind

_NO_NAMESPACE: Final = 0xFFFF  # no server has so many; it will say BadNodeIdUnknown
_TYPES: Final[dict[NodeIdKind, ua.NodeIdType]] = {
    "i": ua.NodeIdType.Numeric,
    "s": ua.NodeIdType.String,
    "g": ua.NodeIdType.Guid,
    "b": ua.NodeIdType.ByteString,
}
_KEPT_IN_URI: Final = ":/?#[]@!$&'()*+,=~"  # all that a URI may hold but ";" and "%" (Part 6, 5.3.1.11)


class Wanted:
    """Nodes that are read together."""

    def __init__(self, nodes: Sequence[ua.NodeId], most_nodes: int) -> None:
        self.nodes = nodes
        ids = [ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value) for node in nodes]
        self.requests = [
            ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=ids[at : at + most_nodes]
            )
            for at in range(0, len(ids), most_nodes)
        ]


def index_of(uri: str, namespaces: Sequence[str]) -> int:
    """Return the number of a namespace; of one that is not there, a number that none has."""
    return namespaces.index(uri) if uri in namespaces else _NO_NAMESPACE


def node_of(address: NodeAddress, namespaces: Sequence[str]) -> ua.NodeId:
    """Return the node that an address names; of a namespace that is not there, one that nobody has."""
    namespace: Any = address.namespace
    if isinstance(namespace, str):
        namespace = index_of(namespace, namespaces)
    identifier: Any = address.identifier
    match address.kind:
        case "i":
            identifier = int(address.identifier)
        case "g":
            identifier = UUID(address.identifier)
        case "b":
            identifier = b64decode(address.identifier)
    return ua.NodeId(identifier, namespace, _TYPES[address.kind])


def spelling_of(node: ua.NodeId, namespaces: Sequence[str]) -> str:
    """Return a node's address for a point table, by the URI of its namespace, which outlives its index."""
    index = node.NamespaceIndex
    prefix = f"nsu={quote(namespaces[index], safe=_KEPT_IN_URI)};" if 0 < index < len(namespaces) else ""
    identifier: Any = node.Identifier
    match identifier:
        case int():
            return f"{prefix}i={identifier}"
        case UUID():
            return f"{prefix}g={identifier}"
        case bytes():
            return f"{prefix}b={b64encode(identifier).decode()}"
    return f"{prefix}s={identifier}"
