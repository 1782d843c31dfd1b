"""Our own application certificate, as OPC UA wants it (Part 6, 6.2.2)."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY_BITS: Final = 2048
"""What every policy takes (Part 7: from 2048 bits on), and small PLCs, which take no more."""

_LIFE: Final = timedelta(days=3653)
_BACKDATED: Final = timedelta(days=1)  # the server's clock may be behind ours
_LONGEST_COMMON_NAME: Final = 64


def make_key() -> bytes:
    """Return a new private key (PEM); takes a tenth of a second, or a second on a small machine."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_certificate(key: rsa.RSAPrivateKey, uri: str, name: str, now: datetime) -> x509.Certificate:
    """Return a certificate that we sign ourselves; `uri`: our ApplicationUri."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_COMMON_NAME]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fengsui"),
        ]
    )
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(uri), x509.DNSName(socket.gethostname())]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def uri_of(certificate: x509.Certificate) -> str:
    """Return the ApplicationUri that a certificate names; empty where it names none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


def today() -> datetime:
    """Return the time of day in UTC, without the parts of a second that a certificate does not have."""
    return datetime.now(UTC).replace(microsecond=0)


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,  # it is its own issuer, and some servers look
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
