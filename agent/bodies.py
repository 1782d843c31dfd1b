"""What all record bodies share: the error of an unreadable one, and the way into a JSON one."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

Body = TypeVar("Body")


class RecordError(Exception):
    """A record's body is not what this version can read."""


def unpack_json(shape: TypeAdapter[Body], packed: bytes) -> Body:
    """Return a JSON body as its dataclass; keys that this version does not know are ignored.

    Raises RecordError.
    """
    try:
        return shape.validate_json(packed)
    except ValidationError as error:
        raise RecordError(str(error)) from error
