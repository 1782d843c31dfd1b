"""Uplinks of the plant description: the platforms that readings and events go to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.fields import Host, HttpUrl, Line, Model, SecretReference, Topic
from config.units import MS, Duration, S, Size, no_shorter_than, no_smaller_than


class Tls(Model):
    """TLS towards a platform; never falls back to plain."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class AnyUplink(Model):
    """What every uplink has.

    `required`: its backlog pins the log until the cap. `start`: where an uplink begins that the log does not
    know yet. `backfill`: most bytes a second of what was stored before the connection. `replay`: how much of
    the past is sent again on every connection, although it was acknowledged.
    """

    required: bool = True
    start: Literal["now", "oldest"] = "now"
    backfill: Annotated[Size, no_smaller_than(1_000)] = 4_000_000
    replay: Duration = 0


class MqttUplink(AnyUplink):
    """An MQTT 5 broker.

    `ack_topic`: where the platform says what it has persisted; `ack_timeout`: what it has not confirmed in
    this time is sent again.
    """

    type: Literal["mqtt"]
    host: Host
    port: int = Field(default=1883, ge=1, le=65535)
    tls: Tls | None = None
    client_id: Line = ""
    username: Line | None = None
    password: SecretReference | None = None
    keepalive: Annotated[Duration, no_shorter_than(1 * S)] = 10 * S
    window: int = Field(default=20, ge=1, le=20)
    ack_topic: Topic | None = None
    ack_timeout: Annotated[Duration, no_shorter_than(1 * S)] = 60 * S


class FileUplink(AnyUplink):
    """A folder that a reader of its own empties, for example towards a one-way diode.

    `every`: how long messages are gathered for one file. `most_files`, `most_bytes`: what may lie there
    unread; beyond that the uplink is down.
    """

    type: Literal["file"]
    directory: Path
    every: Annotated[Duration, no_shorter_than(10 * MS)] = 1 * S
    most_files: int = Field(default=10_000, ge=1)
    most_bytes: Annotated[Size, no_smaller_than(1_000_000)] = 1_000_000_000


class HttpUplink(AnyUplink):
    """A platform that takes messages by HTTP POST to `<url>/<kind>`; `token` is sent as a bearer's.

    `timeout`: longest wait for a reply.
    """

    type: Literal["http"]
    url: HttpUrl
    tls: Tls | None = None
    token: SecretReference | None = None
    timeout: Annotated[Duration, no_shorter_than(1 * S)] = 10 * S


AnyKindOfUplink = MqttUplink | FileUplink | HttpUplink
Uplink = Annotated[AnyKindOfUplink, Field(discriminator="type")]
