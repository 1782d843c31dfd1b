"""An OPC UA server that holds the nodes it is told to, lets nobody write, and counts who tries."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncua import ua
from asyncua.common.callback import CallbackType
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.address import NodeAddress, parse_node_id
from config.opcua import SecurityMode, SecurityPolicy
from config.tags import ValueType

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

_POLICIES: Final = {
    (SecurityPolicy.BASIC256SHA256, SecurityMode.SIGN): ua.SecurityPolicyType.Basic256Sha256_Sign,
    (
        SecurityPolicy.BASIC256SHA256,
        SecurityMode.SIGN_AND_ENCRYPT,
    ): ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    (SecurityPolicy.AES128_SHA256_RSAOAEP, SecurityMode.SIGN): ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    (
        SecurityPolicy.AES128_SHA256_RSAOAEP,
        SecurityMode.SIGN_AND_ENCRYPT,
    ): ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    (SecurityPolicy.AES256_SHA256_RSAPSS, SecurityMode.SIGN): ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    (
        SecurityPolicy.AES256_SHA256_RSAPSS,
        SecurityMode.SIGN_AND_ENCRYPT,
    ): ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}

Value = bool | int | float | str | list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSecurity(UserManager):
    """What a server asks of its clients; without it, everybody may read, unencrypted.

    `certificate` (DER) and `key` (PEM): its own. `offered`: policies with modes, and nothing beside them.
    `clients`: the certificates (DER) that it trusts; None trusts all. `users`: passwords by name.
    `user_certificates`: of users (DER). `anonymous`: whether others may come, too.
    """

    certificate: bytes
    key: bytes
    offered: Collection[tuple[SecurityPolicy, SecurityMode]] = tuple(_POLICIES)
    clients: Collection[bytes] | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    user_certificates: Collection[bytes] = ()
    anonymous: bool = True

    def get_user(
        self,
        iserver: InternalServer,  # noqa: ARG002 - asyncua's signature
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        """Return who logs in, as asyncua's server asks its user manager; None refuses."""
        known = (
            self.users.get(username) == password
            if username is not None
            else self.anonymous or certificate in self.user_certificates
        )
        return User(role=UserRole.User, name=username) if known else None

    async def look_at(self, certificate: x509.Certificate, _client: ua.ApplicationDescription) -> None:
        """Refuse clients that are not trusted, as asyncua's server asks its certificate validator."""
        if self.clients is not None and certificate.public_bytes(Encoding.DER) not in self.clients:
            raise ServiceError(StatusCodes.BadCertificateUntrusted)


@dataclass(slots=True)
class Counts:
    """What was asked. `reads`: values read. `writes`: values that somebody tried to write; must stay 0."""

    reads: int = 0
    writes: int = 0


class OpcUaSimulator:
    """A running server. Made by `serve`."""

    def __init__(self, server: Server) -> None:
        self.counts = Counts()
        self.port: int = server.bserver._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"opc.tcp://127.0.0.1:{self.port}/"
        self._server = server
        self._types: dict[str, ValueType] = {}
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
        stamp: Any = datetime.now(UTC) if source_utc_ns is None else _stamp(source_utc_ns)
        code: Any = status
        reading = ua.DataValue(
            _variant(value, self._types[address]), ua.StatusCode(code), SourceTimestamp=stamp
        )
        await self._server.write_attribute_value(_node_id(parse_node_id(address)), reading)

    async def add(self, address: str, value: Value, kind: ValueType = ValueType.FLOAT64) -> None:
        """Let there be a node more."""
        node_id = _node_id(parse_node_id(address))
        name = ua.QualifiedName(str(node_id.Identifier), node_id.NamespaceIndex)
        self._types[address] = kind
        await self._server.nodes.objects.add_variable(node_id, name, _variant(value, kind))

    async def remove(self, address: str) -> None:
        """Let a node be gone."""
        await self._server.delete_nodes([self._server.get_node(_node_id(parse_node_id(address)))])

    async def _count_reads(self, event: Any, _: object) -> None:
        if event.is_external:
            self.counts.reads += len(event.request_params.NodesToRead)

    async def _count_writes(self, event: Any, _: object) -> None:
        if event.is_external:
            self.counts.writes += len(event.request_params.NodesToWrite)


@asynccontextmanager
async def serve(
    nodes: Mapping[str, tuple[ValueType, Value]],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    security: ServerSecurity | None = None,
) -> AsyncIterator[OpcUaSimulator]:
    """Serve `nodes` (by their NodeId, in namespace 2 or `NAMESPACE`) until the context is left.

    `port` 0 takes a free one, told by `.port` and `.url`. Takes some seconds to start. The server's tasks run
    on the caller's event loop and end with the context.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    server = Server(user_manager=security)
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/")
    await _secure(server, security)
    await server.register_namespace(NAMESPACE)
    async with server:
        simulator = OpcUaSimulator(server)
        for address, (kind, value) in nodes.items():
            await simulator.add(address, value, kind)
        yield simulator


async def _secure(server: Server, security: ServerSecurity | None) -> None:
    if security is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        return
    await server.load_certificate(security.certificate, "der")
    await server.load_private_key(security.key, format="pem")
    server.set_security_policy([_POLICIES[offered] for offered in security.offered])
    server.set_certificate_validator(security.look_at)
    tokens = {
        ua.AnonymousIdentityToken: security.anonymous,
        ua.UserNameIdentityToken: bool(security.users),
        ua.X509IdentityToken: bool(security.user_certificates),
    }
    server.set_identity_tokens([token for token, taken in tokens.items() if taken])


def _variant(value: Value | None, kind: ValueType) -> ua.Variant:
    if value is None or isinstance(value, str | list):
        return ua.Variant(value)
    whole = kind not in (ValueType.FLOAT32, ValueType.FLOAT64, ValueType.BOOL)
    return ua.Variant(int(value) if whole else value, _VARIANTS[kind])


def _node_id(address: NodeAddress) -> ua.NodeId:
    namespace: Any = 2 if address.namespace == NAMESPACE else address.namespace
    identifier: Any = int(address.identifier) if address.kind == "i" else address.identifier
    return ua.NodeId(identifier, namespace)


def _stamp(utc_ns: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=utc_ns // 1000) if utc_ns else None
