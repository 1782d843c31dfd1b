"""What a server has: its variables, found by following its references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from config.address import NodeAddress
from config.opcua import OpcUaLink
from config.tags import ValueType
from drivers.opcua.failures import translated
from drivers.opcua.keys import KeyStore
from drivers.opcua.nodes import node_of, spelling_of
from drivers.opcua.session import Session

_SESSION_S: Final = 60.0
_MOST_BROWSED: Final = 50  # nodes of one Browse request
_OBJECTS: Final = NodeAddress(0, "i", str(ObjectIds.ObjectsFolder))
_SERVER: Final = node_of(NodeAddress(0, "i", str(ObjectIds.Server)), ())
_HIERARCHICAL: Final = node_of(NodeAddress(0, "i", str(ObjectIds.HierarchicalReferences)), ())
_HAS_PROPERTY: Final = node_of(NodeAddress(0, "i", str(ObjectIds.HasProperty)), ())
_UNITS: Final = "EngineeringUnits"
_RANGE: Final = "EURange"
_TYPES: Final = {
    ua.VariantType.Boolean: ValueType.BOOL,
    ua.VariantType.SByte: ValueType.INT16,
    ua.VariantType.Byte: ValueType.UINT16,
    ua.VariantType.Int16: ValueType.INT16,
    ua.VariantType.UInt16: ValueType.UINT16,
    ua.VariantType.Int32: ValueType.INT32,
    ua.VariantType.UInt32: ValueType.UINT32,
    ua.VariantType.Int64: ValueType.INT64,
    ua.VariantType.UInt64: ValueType.UINT64,
    ua.VariantType.Float: ValueType.FLOAT32,
    ua.VariantType.Double: ValueType.FLOAT64,
    ua.VariantType.String: ValueType.ASCII,  # any text; only registers need to be told the encoding
}


@dataclass(slots=True)
class Variable:
    """One variable of a server. `path`: the names that lead to it; `value`: what it held, None for nothing.

    `type`: None where its values are neither single numbers nor texts.
    """

    node: ua.NodeId
    address: str
    path: tuple[str, ...]
    title: str
    properties: dict[str, ua.NodeId] = field(default_factory=dict)
    value: object = None
    type: ValueType | None = None
    unit: str = ""
    range: tuple[float, float] | None = None


async def browse_server(link: OpcUaLink, keys: KeyStore, start: NodeAddress | None) -> list[Variable]:
    """Return every variable below a node, by default below the folder Objects. Raises DeviceError."""
    session = Session(link, _SESSION_S, keys)
    await session.connect()
    try:
        walk = _Walk(session)
        await walk.follow(node_of(start or _OBJECTS, session.namespaces))
        await _describe(session, walk.variables)
    finally:
        await session.close()
    return walk.variables


class _Walk:
    """One way through the hierarchical references of a server, each node once."""

    def __init__(self, session: Session) -> None:
        self.variables: list[Variable] = []
        self._session = session
        self._seen = {_SERVER}  # the server's own diagnostics are nobody's points

    async def follow(self, start: ua.NodeId) -> None:
        """Find every variable below `start`, breadth first."""
        todo: list[tuple[ua.NodeId, tuple[str, ...], Variable | None]] = [(start, (), None)]
        while todo:
            part, todo = todo[:_MOST_BROWSED], todo[_MOST_BROWSED:]
            answers = await self._browse([node for node, _, _ in part])
            for (_, path, parent), references in zip(part, answers, strict=True):
                for reference in references:
                    todo += self._visit(reference, path, parent)

    def _visit(
        self, reference: ua.ReferenceDescription, path: tuple[str, ...], parent: Variable | None
    ) -> list[tuple[ua.NodeId, tuple[str, ...], Variable | None]]:
        """Note what a reference leads to; return it where there may be more behind it."""
        node, name = _plain(reference.NodeId), str(reference.BrowseName.Name)
        if reference.ReferenceTypeId == _HAS_PROPERTY:
            if parent is not None and name in (_UNITS, _RANGE):
                parent.properties[name] = node
            return []
        if node in self._seen:
            return []
        self._seen.add(node)
        here = (*path, name)
        if reference.NodeClass is not ua.NodeClass.Variable:
            return [(node, here, None)]
        found = Variable(
            node=node,
            address=spelling_of(node, self._session.namespaces),
            path=here,
            title=reference.DisplayName.Text or name,
        )
        self.variables.append(found)
        return [(node, here, found)]

    async def _browse(self, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
        client = self._session.client.uaclient
        with translated(self._session.url):
            results = await client.browse(
                ua.BrowseParameters(NodesToBrowse=[_description(node) for node in nodes])
            )
            found = [list(result.References) for result in results]
            for references, result in zip(found, results, strict=True):
                point = result.ContinuationPoint
                while point:
                    (more,) = await client.browse_next(ua.BrowseNextParameters(ContinuationPoints=[point]))
                    references += more.References
                    point = more.ContinuationPoint
        return found


async def _describe(session: Session, variables: Sequence[Variable]) -> None:
    """Read what the variables hold, their units and ranges."""
    for found, value in zip(
        variables, await _values(session, [found.node for found in variables]), strict=True
    ):
        if value is not None:
            found.value = value.Value
            found.type = None if value.is_array else _TYPES.get(value.VariantType)
    with_properties = [(found, name, node) for found in variables for name, node in found.properties.items()]
    values = await _values(session, [node for _, _, node in with_properties])
    for (found, _, _), value in zip(with_properties, values, strict=True):
        content = value.Value if value is not None else None
        if isinstance(content, ua.EUInformation):
            found.unit = content.DisplayName.Text or ""
        elif isinstance(content, ua.Range) and content.Low < content.High:
            found.range = (content.Low, content.High)


async def _values(session: Session, nodes: Sequence[ua.NodeId]) -> list[ua.Variant | None]:
    found: list[ua.Variant | None] = []
    with translated(session.url):
        for request in session.wanted(nodes).requests:
            found += [result.Value for result in await session.client.uaclient.read(request)]
    return found


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=ua.BrowseDirection.Forward,
        ReferenceTypeId=_HIERARCHICAL,
        IncludeSubtypes=True,
        NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
        ResultMask=ua.BrowseResultMask.All,
    )


def _plain(node: ua.ExpandedNodeId) -> ua.NodeId:
    """Return the node alone: a reference may name its server and namespace besides."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)
