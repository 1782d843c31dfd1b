"""The channel that the plant asks for, or none: endpoint, certificates, user. Never a step down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies as policies
from asyncua.crypto.uacrypto import CertProperties
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from config.faults import WrongValue
from config.files import read_file
from config.opcua import OpcUaSecurity, OpcUaUser, SecurityMode, SecurityPolicy
from config.secrets import resolve
from config.text import text
from drivers.opcua.failures import SecurityRefused
from drivers.opcua.keys import KeyStore, fingerprint

_POLICIES: Final[dict[SecurityPolicy, type[policies.SecurityPolicy]]] = {
    SecurityPolicy.BASIC256SHA256: policies.SecurityPolicyBasic256Sha256,
    SecurityPolicy.AES128_SHA256_RSAOAEP: policies.SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicy.AES256_SHA256_RSAPSS: policies.SecurityPolicyAes256Sha256RsaPss,
}
_MODES: Final = {
    SecurityMode.SIGN: ua.MessageSecurityMode.Sign,
    SecurityMode.SIGN_AND_ENCRYPT: ua.MessageSecurityMode.SignAndEncrypt,
}
_NAMES: Final = {
    ua.MessageSecurityMode.None_: "none",
    **{mode: wanted.value for wanted, mode in _MODES.items()},
}


def choose(
    url: str, endpoints: Sequence[ua.EndpointDescription], wanted: OpcUaSecurity
) -> ua.EndpointDescription:
    """Return the endpoint with exactly this policy and mode. Raises SecurityRefused, saying what there is."""
    uri = _POLICIES[wanted.policy].URI
    for endpoint in endpoints:
        if (endpoint.SecurityPolicyUri, endpoint.SecurityMode) == (uri, _MODES[wanted.mode]):
            return endpoint
    offered = sorted({_name(found) for found in endpoints})
    raise SecurityRefused(
        text(
            "{url} does not offer {policy}/{mode}; it offers {offered}",
            url=url,
            policy=wanted.policy,
            mode=wanted.mode,
            offered=", ".join(offered),
        )
    )


def _name(endpoint: ua.EndpointDescription) -> str:
    policy = (endpoint.SecurityPolicyUri or "").rpartition("#")[2]
    return f"{policy}/{_NAMES.get(endpoint.SecurityMode, endpoint.SecurityMode.name)}"


def trusted(url: str, certificate: bytes, keys: KeyStore) -> x509.Certificate:
    """Return the server's certificate if a person trusts it and it is valid now. Raises SecurityRefused."""
    try:
        found = x509.load_der_x509_certificate(certificate)
    except ValueError:
        raise SecurityRefused(text("the certificate of {url} cannot be read", url=url)) from None
    if not keys.trusts(certificate):
        keys.reject(certificate)
        raise SecurityRefused(
            text(
                "the certificate of {url} is not trusted; compare its fingerprint {fingerprint} with that "
                "which the server shows, then: fengsui opcua trust",
                url=url,
                fingerprint=fingerprint(certificate),
            )
        )
    now = datetime.now(UTC)
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        raise SecurityRefused(
            text(
                "the certificate of {url} is valid from {start} to {end}, and the clock of this machine says "
                "{now}",
                url=url,
                start=f"{found.not_valid_before_utc:%Y-%m-%d}",
                end=f"{found.not_valid_after_utc:%Y-%m-%d}",
                now=f"{now:%Y-%m-%d}",
            )
        )
    return found


async def secure(client: Client, wanted: OpcUaSecurity, server_certificate: bytes, keys: KeyStore) -> None:
    """Give a client that is not connected yet the certificates for its channel. Raises LinkDown."""
    own = keys.own()
    client.application_uri = own.uri
    await client.set_security(
        _POLICIES[wanted.policy],
        CertProperties(own.certificate, "der"),
        CertProperties(own.key_pem, "pem"),
        server_certificate=CertProperties(server_certificate, "der"),
        mode=_MODES[wanted.mode],
    )


async def log_in(
    client: Client, url: str, user: OpcUaUser | None, endpoint: ua.EndpointDescription | None
) -> None:
    """Activate a created session as `user`, or anonymously. Raises SecurityRefused.

    `endpoint`: what discovery said; it may be forged, so it serves for words only.
    """
    if user is None:
        await client.activate_session()
    elif user.certificate is not None and user.key is not None:
        certificate, client.user_private_key = _certificate_of(user.certificate, user.key)
        _require(url, endpoint, ua.UserTokenType.Certificate)
        await client.activate_session(certificate=certificate)
    else:
        _require(url, endpoint, ua.UserTokenType.UserName)
        _refuse_clear_text(client, url)
        with _in_words():
            password = resolve(user.password or "").reveal()
        await client.activate_session(username=user.name, password=password)


def _certificate_of(certificate: Path, key: Path) -> tuple[x509.Certificate, PrivateKeyTypes]:
    with _in_words():
        contents = read_file(certificate), read_file(key)
    try:
        return x509.load_pem_x509_certificate(contents[0]), load_pem_private_key(contents[1], password=None)
    except (ValueError, TypeError):
        words = text("{path} and {key} are no certificate and key in PEM", path=certificate, key=key)
        raise SecurityRefused(words) from None


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except WrongValue as error:
        raise SecurityRefused(error.words) from None


def _require(url: str, endpoint: ua.EndpointDescription | None, token: ua.UserTokenType) -> None:
    offered = {policy.TokenType for policy in endpoint.UserIdentityTokens} if endpoint is not None else set()
    if token not in offered:
        words = text(
            "{url} does not take users by {wanted}; it takes {offered}",
            url=url,
            wanted=token.name,
            offered=", ".join(sorted(found.name for found in offered)),
        )
        raise SecurityRefused(words)


def _refuse_clear_text(client: Client, url: str) -> None:
    """A token policy None means that only the channel hides the password; one that merely signs does not."""
    token_policy = client.server_policy(ua.UserTokenType.UserName).SecurityPolicyUri
    encrypted = client.security_policy.Mode is ua.MessageSecurityMode.SignAndEncrypt
    if token_policy == policies.SecurityPolicyNone.URI and not encrypted:
        raise SecurityRefused(text("{url} wants the password in clear text; use sign-and-encrypt", url=url))
