"""The kinds of text and number that fields of the plant description hold."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from config.faults import WrongValue
from config.text import text

IDENTIFIER_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
"""Safe as an MQTT topic level, a file name and a metric label."""

CODE_PATTERN: Final = r"^[A-Za-z0-9_.-]{0,64}$"
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]{0,200}$"
"""One line without control characters, which could garble a terminal."""

EXPRESSION_PATTERN: Final = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]{1,1000}$"
"""At most 1000 characters, over several lines if need be."""

_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_PATTERN: Final = rf"^({_LABEL}(\.{_LABEL})*|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%\w+)?)$"
"""A host name (labels of at most 63 characters, RFC 1035), an IPv4 or an IPv6 address; no scheme, no port."""

OPCUA_URL_PATTERN: Final = r"^opc\.tcp://(\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+)(:[0-9]{1,5})?(/\S*)?$"
HTTP_URL_PATTERN: Final = r"^https?://(\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]@?#]+)(:[0-9]{1,5})?(/[^\s?#]*)?$"
"""No user, no query: what is posted to is this and the kind of message behind it."""

ZONE_PATTERN: Final = r"^[+-]([01]\d|2[0-3]):[0-5]\d$"
SERIAL_PORT_PATTERN: Final = r"^/[^\s\x00-\x1f]+$"
TOPIC_PATTERN: Final = r"^[^+#\x00-\x1f\x7f-\x9f]{1,200}$"
"""An MQTT topic name: no wildcards."""

SECRET_PATTERN: Final = (
    r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\x00-\x1f]+|credential:[A-Za-z0-9_@-][A-Za-z0-9_.@-]*)$"
)


def _refuse_truth(found: object) -> object:
    if isinstance(found, bool):
        raise WrongValue(text("{found} is not a number; write 0 or 1", found=str(found).lower()))
    return found


def _truth_as_number(found: object) -> object:
    return float(found) if isinstance(found, bool) else found


Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
Line = Annotated[str, Field(pattern=LINE_PATTERN)]
Expression = Annotated[str, Field(pattern=EXPRESSION_PATTERN)]
Host = Annotated[str, Field(pattern=HOST_PATTERN)]
HttpUrl = Annotated[str, Field(pattern=HTTP_URL_PATTERN)]
Topic = Annotated[str, Field(pattern=TOPIC_PATTERN)]
SerialPort = Annotated[str, Field(pattern=SERIAL_PORT_PATTERN)]
SecretReference = Annotated[str, Field(pattern=SECRET_PATTERN)]

NumberNotTruth: Final = BeforeValidator(_refuse_truth)
"""Refuses true and false, which pydantic would take for 1 and 0 of a `Literal`."""

Level = Annotated[float, BeforeValidator(_truth_as_number, json_schema_input_type=float | bool)]
"""What a tag is compared with; `equals: true` means 1."""


class Model(BaseModel):
    """What every model shares: nothing unknown is accepted, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)
