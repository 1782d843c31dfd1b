"""A `fengsui/1` message as a receiver takes it: parsed, checked, with its key and a digest of its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from agent.receive.schema import KINDS, fault_of

SCHEMA_EVERY: Final = 500
_NAMES: Final = ("enterprise", "gateway", "run", "meta")
_MOMENTARY: Final = frozenset(("backfill", "replay", "clock", "utc_ms"))


class MessageError(Exception):
    """A payload is not a message of `fengsui/1`."""


class Key(NamedTuple):
    """What a record's message is known by for ever."""

    enterprise: str
    gateway: str
    run: str
    stream: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message. `key` and `digest` are None for what is not a record of the log (status, meta).

    `digest`: of the content without what depends on the moment of sending.
    """

    kind: str
    content: dict[str, Any]
    key: Key | None
    digest: bytes | None

    @property
    def sender(self) -> tuple[str, str]:
        """Enterprise and gateway."""
        return self.content["enterprise"], self.content["gateway"]


class Checker:
    """Parses and checks payloads: by the schema all but readings, of which one in SCHEMA_EVERY.

    The other readings are checked by hand for what a receiver relies on: the schema would cost milliseconds.
    """

    def __init__(self) -> None:
        self._readings = 0

    def check(self, payload: bytes) -> Received:
        """Return the message of a payload. Raises MessageError."""
        try:
            content = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise MessageError(f"not JSON: {error}") from error
        kind = content.get("kind") if isinstance(content, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise MessageError(f"kind {kind!r} is unknown")
        fault = self._fault_of(kind, content)
        if fault is not None:
            raise MessageError(fault)
        key, digest = _identity(content) if "seq" in content else (None, None)
        return Received(kind=kind, content=content, key=key, digest=digest)

    def _fault_of(self, kind: str, content: dict[str, Any]) -> str | None:
        if kind == "readings":
            self._readings += 1
            if self._readings % SCHEMA_EVERY != 1 and _sound(content):
                return None
        return fault_of(kind, content)


def _sound(content: dict[str, Any]) -> bool:
    """Tell whether readings look right; where not, the schema says what is wrong."""
    try:
        width = len(content["columns"])
        return (
            content["schema"] == "fengsui/1"
            and content["stream"] == "readings"
            and content["columns"][:4] == ["tag", "raw", "value", "quality"]
            and all(len(row) == width and type(row[0]) is type(row[3]) is int for row in content["rows"])
            and type(content["seq"]) is int
            and content["seq"] > 0
            and all(type(content[name]) is str for name in _NAMES)
            and {"clock", "backfill"} <= content.keys()
            and content["scan"].keys() >= {"utc_ms", "boot_ms"}
            and type(content["ledger"]["scanned"]) is type(content["ledger"]["recorded"]) is int
            and all(type(count) is int for count in content["ledger"]["suppressed"].values())
        )
    except (KeyError, TypeError, IndexError, AttributeError):
        return False


def _identity(content: dict[str, Any]) -> tuple[Key, bytes]:
    key = Key(*(content[part] for part in Key._fields))
    lasting = orjson.dumps(_lasting(content), option=orjson.OPT_SORT_KEYS)
    return key, hashlib.blake2b(lasting, digest_size=8).digest()


def _lasting(part: Any) -> Any:
    """Return content without what depends on the moment of sending; rows are left as they are."""
    if isinstance(part, dict):
        return {
            name: value if name == "rows" else _lasting(value)
            for name, value in part.items()
            if name not in _MOMENTARY
        }
    return [_lasting(value) for value in part] if isinstance(part, list) else part
