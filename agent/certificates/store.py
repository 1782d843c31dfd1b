"""Our own certificate on disk, beside those of the servers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from agent.certificates.folder import PRIVATE, PUBLIC, CertificateFolder, in_words, put
from agent.certificates.own import make_certificate, make_key, today, uri_of
from config.models import Gateway
from config.text import text
from drivers.contract import LinkDown
from drivers.opcua.keys import Identity

_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""This program did not exist before: a clock that says so is wrong, and so would the certificate be."""


class CertificateStore(CertificateFolder):
    """See `drivers.opcua.keys.KeyStore`."""

    def __init__(self, folder: Path, gateway: Gateway) -> None:
        super().__init__(folder)
        self._uri = f"urn:fengsui:{gateway.enterprise}:{gateway.name}"
        self._name = f"Fengsui {gateway.name}"
        self._own: Identity | None = None

    @property
    def own_certificate(self) -> Path:
        """Where our own certificate is, for people to give to servers."""
        return self.folder / "own" / "certificate.der"

    def own(self) -> Identity:
        """See `KeyStore`. A gateway that is renamed later keeps its certificate, and the URI in it."""
        if self._own is None:
            with in_words(self.folder):
                self._own = self._read_or_make()
        return self._own

    def _read_or_make(self) -> Identity:
        key_path = self.folder / "own" / "key.pem"
        if not key_path.exists():
            put(key_path, make_key(), PRIVATE)
        key_pem = key_path.read_bytes()
        try:
            if not self.own_certificate.exists():
                put(self.own_certificate, self._make(key_pem), PUBLIC)
            certificate = x509.load_der_x509_certificate(self.own_certificate.read_bytes())
        except ValueError as error:
            raise LinkDown(
                text("{path}: our own certificate or key is damaged", path=key_path.parent)
            ) from error
        return Identity(
            uri=uri_of(certificate),
            certificate=certificate.public_bytes(Encoding.DER),
            key_pem=key_pem,
            expires_utc_ns=int(certificate.not_valid_after_utc.timestamp()) * 10**9,
        )

    def _make(self, key_pem: bytes) -> bytes:
        """Return a new certificate (DER). Raises LinkDown where the clock is wrong, ValueError."""
        now = today()
        if now < _EARLIEST:
            raise LinkDown(
                text(
                    "the clock of this machine says {now}; set it, for a certificate is to be made",
                    now=f"{now:%Y-%m-%d}",
                )
            )
        key = load_pem_private_key(key_pem, password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("not an RSA key")
        return make_certificate(key, self._uri, self._name, now).public_bytes(Encoding.DER)
