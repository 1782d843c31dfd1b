"""Where to learn the time where nobody keeps the machine's clock: `time` in the plant description.

Each source states how wrong it may be (`within`); the machine's clock is never set by it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.fields import HTTP_URL_PATTERN, ZONE_PATTERN, Identifier, Model
from config.units import MS, Duration, S, no_shorter_than


class HttpTime(Model):
    """The `Date` of an HTTP server's answers (RFC 9110, 6.6.1), asked for now and then.

    With https the machine's clock must be right enough for the server's certificate.
    """

    type: Literal["http"]
    url: str = Field(pattern=HTTP_URL_PATTERN)
    every: Annotated[Duration, no_shorter_than(1 * S)] = 600 * S
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 5 * S
    within: Duration = 1 * S


class OpcUaTime(Model):
    """The time stamp that an OPC UA server gives a tag; best is its own clock, ServerStatus.CurrentTime."""

    type: Literal["opcua"]
    tag: Identifier
    within: Duration = 1 * S


class TagTime(Model):
    """A tag that counts seconds or milliseconds since 1970-01-01 UTC."""

    type: Literal["tag"]
    tag: Identifier
    counts: Literal["s", "ms"] = "s"
    within: Duration = 2 * S


class CalendarTime(Model):
    """Six tags of one scan group that a PLC's clock is read from; `zone`: what it is ahead of UTC."""

    type: Literal["calendar"]
    year: Identifier
    month: Identifier
    day: Identifier
    hour: Identifier
    minute: Identifier
    second: Identifier
    zone: str = Field(default="+08:00", pattern=ZONE_PATTERN)
    within: Duration = 2 * S

    @property
    def tags(self) -> tuple[str, ...]:
        """The six, from year to second."""
        return (self.year, self.month, self.day, self.hour, self.minute, self.second)


TimeSource = Annotated[HttpTime | OpcUaTime | TagTime | CalendarTime, Field(discriminator="type")]


class Time(Model):
    """Where to learn UTC, asked all at once: the best answer counts."""

    sources: tuple[TimeSource, ...] = ()
