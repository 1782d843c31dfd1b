"""What asyncua raises, in the words of the contract; the one place that knows both."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from asyncua import ua
from asyncua.crypto import uacrypto
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography.exceptions import InvalidSignature

from config.causes import cause_of
from config.text import text
from config.vocabulary import DETAIL_MASK
from drivers.contract import Desync, DeviceRefused, DeviceTimeout, LinkDown

_NO_SESSION: Final = frozenset(
    {
        StatusCodes.BadSessionIdInvalid,
        StatusCodes.BadSessionClosed,
        StatusCodes.BadSessionNotActivated,
        StatusCodes.BadSecureChannelIdInvalid,
        StatusCodes.BadSecureChannelClosed,
        StatusCodes.BadConnectionClosed,
        StatusCodes.BadShutdown,
        StatusCodes.BadServerHalted,
        StatusCodes.BadNoSubscription,
        StatusCodes.BadSubscriptionIdInvalid,
    }
)
_BAD_SIGNATURES: Final = (InvalidSignature, uacrypto.InvalidSignature)  # type: ignore[attr-defined]


class SecurityRefused(LinkDown):
    """Somebody does not trust somebody; trying again at once changes nothing."""


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn asyncua's failures into LinkDown, DeviceTimeout, DeviceRefused and Desync."""
    try:
        yield
    except TimeoutError as error:
        raise DeviceTimeout(text("{url} did not answer in time", url=url)) from error
    except OSError as error:
        raise LinkDown(text("no connection to {url}: {cause}", url=url, cause=cause_of(error))) from error
    except _BAD_SIGNATURES as error:
        raise SecurityRefused(text("{url} cannot prove who it is", url=url)) from error
    except UaStatusCodeError as error:
        status = ua.StatusCode(error.code)
        words = text("{url} refused: {status}", url=url, status=status.name)
        if error.code in _NO_SESSION:
            raise LinkDown(words) from error
        raise DeviceRefused(words, detail=error.code >> 16 & DETAIL_MASK) from error
    except (UaError, ValueError, struct.error) as error:  # what its decoder raises of bytes without sense
        raise Desync(text("an answer of {url} could not be understood", url=url)) from error
