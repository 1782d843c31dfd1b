"""What MQTT 5 reason codes (2.4) mean, for people."""

from __future__ import annotations

from typing import Final

from agent.uplinks.contract import UplinkBusy, UplinkDown, UplinkTakenOver
from config.text import Text, text

_TAKEN_OVER: Final = 0x8E
QUOTA_EXCEEDED: Final = 0x97
_OF_THE_BROKER: Final = frozenset({0x88, 0x89, 0x8B, 0x8D, 0x96, QUOTA_EXCEEDED, 0x98, 0x9C, 0x9D, 0x9F})
"""Why a broker hangs up whatever it was sent: it goes, is busy or tired of us."""

_REASONS: Final[dict[int, Text]] = {
    0x80: text("it gives no reason"),
    0x81: text("a malformed packet"),
    0x82: text("a protocol error"),
    0x83: text("a reason of its own"),
    0x84: text("it does not speak MQTT 5"),
    0x85: text("the client id is not allowed"),
    0x86: text("wrong user name or password"),
    0x87: text("not authorised"),
    0x88: text("it is not available"),
    0x89: text("it is busy"),
    0x8A: text("we are banned"),
    0x8B: text("it is shutting down"),
    0x8C: text("wrong authentication method"),
    0x8D: text("it heard nothing from us in time"),
    _TAKEN_OVER: text("another client has connected under our name"),
    0x90: text("the topic is not allowed"),
    0x93: text("too many messages under way"),
    0x95: text("the message is too large"),
    0x96: text("too many messages a second"),
    QUOTA_EXCEEDED: text("our quota is used up"),
    0x98: text("an administrator's action"),
    0x99: text("the payload is not what it expects"),
    0x9A: text("it keeps no messages"),
    0x9B: text("this quality of service is not offered"),
    0x9C: text("we shall use another server"),
    0x9D: text("it has moved"),
    0x9F: text("too many connections a second"),
}


def reason_words(code: int) -> Text:
    """Return what a broker's reason code says."""
    known = _REASONS.get(code)
    if known is None:
        return text("reason 0x{code}", code=f"{code:02X}")
    return text("{reason} (0x{code})", reason=known, code=f"{code:02X}")


def ended_by_broker(code: int) -> UplinkDown:
    """Return how a connection ended, by DISCONNECT's reason; any other than those above may be a message."""
    words = text("the broker ended the connection: {reason}", reason=reason_words(code))
    if code == _TAKEN_OVER:
        return UplinkTakenOver(words)
    return UplinkBusy(words) if code in _OF_THE_BROKER else UplinkDown(words)
