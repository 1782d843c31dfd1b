"""TLS towards a platform, and what its failures mean to the person who must mend them."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from typing import Any, Final

from agent.uplinks.contract import UplinkDown
from config.causes import cause_of
from config.text import Text, text
from config.uplinks import Tls

_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_WRONG_HOST: Final = (62, 64)
_UNKNOWN_CA: Final = (2, 18, 19, 20, 21)


class _TidyContext(ssl.SSLContext):
    """Closes the socket of a handshake that fails; paho leaves it to the garbage collector."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(sock, *args, **kwargs)
        try:
            wrapped.do_handshake()
        except OSError:
            wrapped.close()
            raise
        return wrapped


def tls_context(settings: Tls) -> ssl.SSLContext:
    """Return a context that verifies certificate and host name. Raises UplinkDown for unusable files."""
    context = _TidyContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(settings.ca)
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
    except OSError as error:  # ssl.SSLError is one
        raise UplinkDown(text("the TLS files cannot be used: {error}", error=str(error))) from error
    return context


def connect_words(error: OSError) -> Text:
    """Return what an error while connecting means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_words(error)
    if isinstance(error, ssl.SSLError):
        return text("TLS failed: {error}", error=error.reason or str(error))
    return text("no connection: {error}", error=cause_of(error))


def _certificate_words(error: ssl.SSLCertVerificationError) -> Text:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if error.verify_code == _NOT_YET_VALID:
        return text(
            "the platform's certificate is not valid yet at {now} UTC, which this machine takes for now: "
            "set its clock",
            now=now,
        )
    if error.verify_code == _EXPIRED:
        return text("the platform's certificate has expired at {now} UTC, by this machine's clock", now=now)
    if error.verify_code in _WRONG_HOST:
        return text("the platform's certificate is for another host: {error}", error=error.verify_message)
    if error.verify_code in _UNKNOWN_CA:
        return text("the platform's certificate is not from the CA that is trusted here")
    return text("the platform's certificate is refused: {error}", error=error.verify_message)
