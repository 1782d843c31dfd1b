"""Certificates: our own, and whom we trust. What a driver needs of them; the agent keeps them on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from config.text import text
from drivers.contract import LinkDown


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are to servers. `uri`: the ApplicationUri that the certificate (DER) names."""

    uri: str
    certificate: bytes
    key_pem: bytes
    expires_utc_ns: int

    def __repr__(self) -> str:
        return f"Identity({self.uri})"  # never the key


class KeyStore(Protocol):
    """Where certificates are kept."""

    def own(self) -> Identity:
        """Return our identity, which is made at the first call. Raises LinkDown where it cannot be had."""
        ...

    def trusts(self, certificate: bytes) -> bool:
        """Tell whether a person has trusted exactly this certificate (DER)."""
        ...

    def reject(self, certificate: bytes) -> None:
        """Keep a certificate for a person to look at. Raises LinkDown where it cannot be kept."""
        ...


class NoKeys:
    """The key store of a program that connects to nothing that needs one."""

    def own(self) -> Identity:
        """See `KeyStore`."""
        raise LinkDown(text("there is no place for certificates"))

    def trusts(self, certificate: bytes) -> bool:  # noqa: ARG002 - the protocol's signature
        """See `KeyStore`."""
        return False

    def reject(self, certificate: bytes) -> None:
        """See `KeyStore`."""


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER) as people compare it: `AB:CD:...`."""
    return hashlib.sha256(certificate).digest().hex(":").upper()
