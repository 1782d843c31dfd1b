"""The message by which a platform confirms what it has persisted (docs/messages.md, `ack`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from config.vocabulary import Stream

MOST_BYTES: Final = 65_536
MOST_RANGES: Final = 500
_SCHEMA: Final = "fengsui/1"
_STREAMS: Final = {stream.name.lower(): stream for stream in Stream}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Numbers `first`..`last` of one run and stream that the platform will never lose."""

    run: int
    stream: Stream
    first: int
    last: int


class ConfirmationError(Exception):
    """A message on the ack topic is none, or is not for this gateway."""


Range = tuple[str, str, int, int]


@checked(frozen=True, kw_only=True, config=ConfigDict(strict=True))
class _Body:
    schema: str
    kind: str
    enterprise: str
    gateway: str
    ranges: list[Range] = Field(max_length=MOST_RANGES)


_BODY: Final = TypeAdapter(_Body)


def pack_confirmation(enterprise: str, gateway: str, ranges: Sequence[Range]) -> bytes:
    """Return the message; a range is run (16 hex digits), stream, first, last."""
    return orjson.dumps(
        {
            "schema": _SCHEMA,
            "kind": "ack",
            "enterprise": enterprise,
            "gateway": gateway,
            "ranges": ranges,
        }
    )


def unpack_confirmation(payload: bytes, enterprise: str, gateway: str) -> list[Confirmed]:
    """Return what is confirmed to this gateway; nothing where it is for another.

    Raises ConfirmationError. Whoever may publish there may say anything.
    """
    if len(payload) > MOST_BYTES:
        raise ConfirmationError(f"{len(payload)} bytes")
    try:
        body = _BODY.validate_json(payload)
    except ValidationError as error:
        raise ConfirmationError(str(error)) from error
    if (body.schema, body.kind) != (_SCHEMA, "ack"):
        raise ConfirmationError(f"{body.schema} {body.kind}")
    if (body.enterprise, body.gateway) != (enterprise, gateway):
        return []
    return [_confirmed(*found) for found in body.ranges]


def _confirmed(run: str, stream: str, first: int, last: int) -> Confirmed:
    try:
        return Confirmed(run=int(run, 16), stream=_STREAMS[stream], first=first, last=last)
    except (KeyError, ValueError) as error:
        raise ConfirmationError(str(error)) from error
