"""OPC UA servers of the plant description: how one is reached, secured and read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from config.fields import OPCUA_URL_PATTERN, Line, Model, SecretReference
from config.units import MS, Duration, S, no_shorter_than

_LONGEST_PUBLISHING_NS: Final = 1 * S


class Reading(StrEnum):
    """Who begins: we ask for every node at every grid instant, or the server tells what changed."""

    CYCLIC = "cyclic"
    SUBSCRIPTION = "subscription"


class Server(StrEnum):
    """Makes of server whose limits are known."""

    GENERIC = "generic"
    S7_1200 = "s7-1200"
    S7_1500 = "s7-1500"
    KEPWARE = "kepware"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What a make of server takes, where it does not say so itself; what it does say wins.

    `nodes`: of one Read or CreateMonitoredItems request. `sampling_ns`, `publishing_ns`: shortest intervals
    worth asking for. `items`, `subscriptions`: of one session; what is beyond them is read cyclically.
    """

    nodes: int = 500
    sampling_ns: int = 10 * MS
    publishing_ns: int = 10 * MS
    items: int = 100_000
    subscriptions: int = 50
    reading: Reading = Reading.CYCLIC

    def sampling(self, period_ns: int, wanted_ns: int | None) -> int:
        """Return how often the server shall look at a node that is scanned every `period_ns`."""
        return max(self.sampling_ns, wanted_ns if wanted_ns is not None else period_ns // 2)

    def publishing(self, period_ns: int) -> int:
        """Return how often the server shall tell what changed, for a scan every `period_ns`."""
        return max(self.publishing_ns, min(period_ns // 2, _LONGEST_PUBLISHING_NS))


LIMITS: Final[dict[Server, ServerLimits]] = {
    Server.GENERIC: ServerLimits(),
    # Siemens: defaults and system limits of TIA Portal; items grow with the CPU, the smallest one counts.
    Server.S7_1200: ServerLimits(
        nodes=100, sampling_ns=100 * MS, publishing_ns=200 * MS, items=1000, subscriptions=5
    ),
    Server.S7_1500: ServerLimits(
        nodes=500, sampling_ns=100 * MS, publishing_ns=200 * MS, items=1000, subscriptions=10
    ),
    # A Read of a tag that nobody subscribes to makes Kepware ask the PLC behind it, out of its own cycle.
    Server.KEPWARE: ServerLimits(publishing_ns=50 * MS, reading=Reading.SUBSCRIPTION),
}


class SecurityPolicy(StrEnum):
    """The policies that are not deprecated (OPC UA Part 7), by the end of their URI."""

    BASIC256SHA256 = "Basic256Sha256"
    AES128_SHA256_RSAOAEP = "Aes128_Sha256_RsaOaep"
    AES256_SHA256_RSAPSS = "Aes256_Sha256_RsaPss"


class SecurityMode(StrEnum):
    """Messages are signed, or signed and encrypted."""

    SIGN = "sign"
    SIGN_AND_ENCRYPT = "sign-and-encrypt"


class OpcUaSecurity(Model):
    """What the channel must have; a server that does not offer it is not connected."""

    policy: SecurityPolicy
    mode: SecurityMode = SecurityMode.SIGN_AND_ENCRYPT


class OpcUaUser(Model):
    """Who logs in: a name with its password, or a certificate with its key (PEM files)."""

    name: Line | None = None
    password: SecretReference | None = None
    certificate: Path | None = None
    key: Path | None = None


class OpcUaLink(Model):
    """An OPC UA server; one session. `reading`: default by the make of server."""

    type: Literal["opcua"]
    url: str = Field(pattern=OPCUA_URL_PATTERN)
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 4 * S
    server: Server = Server.GENERIC
    reading: Reading | None = None
    security: OpcUaSecurity | None = None
    user: OpcUaUser | None = None

    @property
    def limits(self) -> ServerLimits:
        """What the make of server takes."""
        return LIMITS[self.server]
