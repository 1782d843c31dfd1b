"""What a simulated OPC UA server asks of those who connect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.opcua import SecurityMode, SecurityPolicy

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


async def secure(server: Server, security: ServerSecurity | None) -> None:
    """Let a server that has not started yet ask for this; None: for nothing."""
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
