"""Uplinks of the plant description: the platforms that readings and events go to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.fields import Host, Line, Model, SecretReference
from config.units import Duration, S, no_shorter_than


class Tls(Model):
    """TLS towards a platform; never falls back to plain."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class MqttUplink(Model):
    """An MQTT 5 broker. `required`: its backlog pins the log until the cap."""

    type: Literal["mqtt"]
    host: Host
    port: int = Field(default=1883, ge=1, le=65535)
    tls: Tls | None = None
    client_id: Line = ""
    username: Line | None = None
    password: SecretReference | None = None
    keepalive: Annotated[Duration, no_shorter_than(1 * S)] = 10 * S
    window: int = Field(default=20, ge=1, le=20)
    required: bool = True
