"""Certificates of servers on disk: `trusted/` by a person, or `rejected/` until one decides."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.text import text
from drivers.contract import LinkDown
from drivers.opcua.keys import fingerprint

MOST_REJECTED: Final = 50
PUBLIC: Final = 0o644
PRIVATE: Final = 0o600
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


class CertificateFolder:
    """Whom we trust. People may put DER or PEM files into `trusted/` themselves."""

    def __init__(self, folder: Path) -> None:
        """Keep certificates in `folder`, which is made when the first of them comes."""
        self.folder = folder

    def trusts(self, certificate: bytes) -> bool:
        """See `KeyStore`. Looked up at every connect, so that a person's decision counts at once."""
        return any(kept.fingerprint == fingerprint(certificate) for kept in self.trusted())

    def reject(self, certificate: bytes) -> None:
        """See `KeyStore`. Of many, the oldest make room."""
        path = self.folder / "rejected" / f"{fingerprint(certificate).replace(':', '').lower()}.der"
        with in_words(self.folder):
            if path.exists():
                return
            put(path, certificate, PUBLIC)
            kept = sorted(path.parent.iterdir(), key=lambda found: found.stat().st_mtime_ns)
            for oldest in kept[:-MOST_REJECTED]:
                oldest.unlink()
            # made by the service now, for who trusts may be another user
            (self.folder / "trusted").mkdir(exist_ok=True)

    def ours(self) -> list[Kept]:
        """Return our own certificate, if it was made already."""
        return [kept for kept in _kept_in(self.folder / "own") if kept.path.suffix == ".der"]

    def trusted(self) -> list[Kept]:
        """Return the certificates that people trust."""
        return list(_kept_in(self.folder / "trusted"))

    def rejected(self) -> list[Kept]:
        """Return the certificates that nobody has trusted yet."""
        return list(_kept_in(self.folder / "rejected"))

    def trust(self, kept: Kept) -> None:
        """Trust a rejected certificate from now on; the file stays its owner's. Raises LinkDown."""
        with in_words(self.folder):
            kept.path.rename(self.folder / "trusted" / kept.path.name)


def put(path: Path, content: bytes, mode: int) -> None:
    """Create a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    part.replace(path)


@contextmanager
def in_words(folder: Path) -> Iterator[None]:
    """Turn what the disk says into LinkDown: without certificates there is no connection."""
    try:
        yield
    except OSError as error:
        raise LinkDown(
            text("{path}: certificates cannot be kept there: {cause}", path=folder, cause=error.strerror)
        ) from error


def _kept_in(folder: Path) -> Iterator[Kept]:
    """Yield the certificates of a folder; files that are none are passed over."""
    for path in sorted(folder.glob("*")):
        try:
            content = path.read_bytes()
            load = x509.load_pem_x509_certificate if _ARMOUR in content else x509.load_der_x509_certificate
            yield Kept(path=path, certificate=load(content))
        except (OSError, ValueError):
            continue
