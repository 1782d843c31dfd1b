"""The folder of certificates: `own/`, `trusted/`, `rejected/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from agent.certificates.own import make_certificate, make_key, today, uri_of
from config.plant import Plant
from config.text import text
from drivers.contract import LinkDown
from drivers.opcua.keys import Identity, fingerprint

MOST_REJECTED: Final = 50
_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""This program did not exist before: a clock that says so is wrong, and so would the certificate be."""

_ARMOUR: Final = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One certificate of a folder."""

    path: Path
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """See `drivers.opcua.keys.fingerprint`."""
        return fingerprint(self.certificate.public_bytes(Encoding.DER))


class CertificateStore:
    """See `drivers.opcua.keys.KeyStore`. People may put DER or PEM files into `trusted/` themselves."""

    def __init__(self, folder: Path, plant: Plant) -> None:
        """Keep certificates in `folder`, which is made when the first of them is."""
        gateway = plant.description.gateway
        self._folder = folder
        self._uri = f"urn:fengsui:{gateway.enterprise}:{gateway.name}"
        self._name = f"Fengsui {gateway.name}"
        self._own: Identity | None = None

    @property
    def own_certificate(self) -> Path:
        """Where our own certificate is, for people to give to servers."""
        return self._folder / "own" / "certificate.der"

    def own(self) -> Identity:
        """See `KeyStore`. A gateway that is renamed later keeps its certificate, and the URI in it."""
        if self._own is None:
            with _in_words(self._folder):
                self._own = self._read_or_make()
        return self._own

    def trusts(self, certificate: bytes) -> bool:
        """See `KeyStore`. Looked up at every connect, so that a person's decision counts at once."""
        return any(kept.fingerprint == fingerprint(certificate) for kept in self.trusted())

    def reject(self, certificate: bytes) -> None:
        """See `KeyStore`. Of many, the oldest make room."""
        path = self._folder / "rejected" / _file_name(certificate)
        with _in_words(self._folder):
            if path.exists():
                return
            _put(path, certificate)
            kept = sorted(path.parent.iterdir(), key=lambda found: found.stat().st_mtime_ns)
            for oldest in kept[:-MOST_REJECTED]:
                oldest.unlink()

    def trusted(self) -> list[Kept]:
        """Return the certificates that people trust."""
        return list(_kept_in(self._folder / "trusted"))

    def rejected(self) -> list[Kept]:
        """Return the certificates that nobody has trusted yet."""
        return list(_kept_in(self._folder / "rejected"))

    def trust(self, kept: Kept) -> None:
        """Trust a certificate from now on. Raises LinkDown where it cannot be kept."""
        certificate = kept.certificate.public_bytes(Encoding.DER)
        with _in_words(self._folder):
            _put(self._folder / "trusted" / _file_name(certificate), certificate)
            kept.path.unlink(missing_ok=True)

    def _read_or_make(self) -> Identity:
        key_path = self._folder / "own" / "key.pem"
        if not key_path.exists():
            _put(key_path, make_key())
        key_pem = key_path.read_bytes()
        if not self.own_certificate.exists():
            _put(self.own_certificate, self._certificate(key_pem))
        certificate = x509.load_der_x509_certificate(self.own_certificate.read_bytes())
        return Identity(
            uri=uri_of(certificate),
            certificate=certificate.public_bytes(Encoding.DER),
            key_pem=key_pem,
            expires_utc_ns=int(certificate.not_valid_after_utc.timestamp()) * 10**9,
        )

    def _certificate(self, key_pem: bytes) -> bytes:
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


def _file_name(certificate: bytes) -> str:
    return f"{fingerprint(certificate).replace(':', '').lower()}.der"


def _put(path: Path, content: bytes) -> None:
    """Create a file for this user only, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    part.replace(path)


def _kept_in(folder: Path) -> Iterator[Kept]:
    """Yield the certificates of a folder; files that are none are passed over."""
    for path in sorted(folder.glob("*")):
        try:
            content = path.read_bytes()
            load = x509.load_pem_x509_certificate if _ARMOUR in content else x509.load_der_x509_certificate
            yield Kept(path=path, certificate=load(content))
        except (OSError, ValueError):
            continue


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LinkDown(
            text("{path}: certificates cannot be kept there: {cause}", path=folder, cause=error.strerror)
        ) from error
    except ValueError as error:
        raise LinkDown(text("{path}: our own certificate or key is damaged", path=folder)) from error
