"""Certificates of servers and users, in the shapes that each side wants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from agent.certificates.own import make_certificate, make_key, today

SERVER_URI = "urn:freeopcua:python:server"
_KEY = cache(make_key)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key_pem: bytes

    @classmethod
    def make(cls, name: str, *, made: datetime | None = None) -> Pair:
        """Make a certificate of its own; all share a key, for that is what takes time."""
        key_pem = _KEY()
        key = load_pem_private_key(key_pem, password=None)
        return cls(make_certificate(key, SERVER_URI, name, made or today()), key_pem)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def files(self, folder: Path) -> dict[str, str]:
        """Write both as PEM; return them as a user of the plant description."""
        certificate, key = folder / "user.crt", folder / "user.key"
        certificate.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        key.write_bytes(self.key_pem)
        return {"certificate": str(certificate), "key": str(key)}
