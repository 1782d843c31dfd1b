"""The plant description as typed models: what `plant.yaml` and the point tables may say.

Durations are nanoseconds and sizes bytes once loaded. The JSON Schema is generated from these models;
`config.links`, `config.tags`, `config.rules` and `config.uplinks` hold its parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.clocks import Time
from config.fields import Identifier, Line, Model, NumberNotTruth
from config.links import Device, Link
from config.profiles.models import ProfileUse
from config.rules import Rules
from config.units import DAY, MS, Duration, S, Size, no_shorter_than
from config.uplinks import Uplink
from config.vocabulary import Priority


class Gateway(Model):
    """Who this gateway is.

    `enterprise`: its id at the platforms, usually the 统一社会信用代码; `state`: the folder of the log;
    `alarm_repeat`: how often an alarm that stands is told again; never where it is not given; `mains_tag`: a
    tag that is 0 while the mains are lost and the machine lives on its battery.
    """

    enterprise: Identifier
    name: Identifier
    title: Line = ""
    state: Path = Path("/var/lib/fengsui")
    alarm_repeat: Annotated[Duration, no_shorter_than(1 * S)] | None = None
    mains_tag: Identifier | None = None


class ScanClass(Model):
    """A named period. `stale_after`: age after which a value is not current; default 3 periods."""

    period: Annotated[Duration, no_shorter_than(10 * MS)]
    stale_after: Duration | None = None

    @property
    def stale_ns(self) -> int:
        """Age in nanoseconds after which a value of this class is not current."""
        return self.stale_after if self.stale_after is not None else 3 * self.period


class LogSettings(Model):
    """The store-and-forward log.

    `cap`: most bytes on disk. `events_cap`: most of them for events, whose oldest then go; default a quarter.
    `segment`: bytes of one file. `commit_interval`: readings are synced this often. `at_least`: retention
    aimed at.
    """

    cap: Size = 1_000_000_000
    events_cap: Size | None = None
    segment: Size = 16_000_000
    commit_interval: Annotated[Duration, no_shorter_than(1 * MS)] = 250 * MS
    at_least: Duration = 30 * DAY


class BlackBox(Model):
    """What is kept of every scan around an event: time before and after, and the memory that this may take.

    `priority`: the least urgent alarm that opens a window; interlocks always do.
    """

    before: Duration = 60 * S
    after: Duration = 60 * S
    memory: Size = 16_000_000
    priority: Priority = Priority.HIGH


class Description(Model):
    """The whole of `plant.yaml`; `points` names the point tables beside it."""

    fengsui: Annotated[Literal[1], NumberNotTruth]
    gateway: Gateway
    scan_classes: dict[Identifier, ScanClass] = Field(min_length=1)
    links: dict[Identifier, Link] = Field(min_length=1)
    devices: dict[Identifier, Device] = Field(min_length=1)
    points: tuple[Path, ...] = Field(min_length=1)
    profiles: dict[Identifier, ProfileUse] = Field(default_factory=dict)
    rules: Rules = Rules()
    uplinks: dict[Identifier, Uplink] = Field(default_factory=dict)
    log: LogSettings = LogSettings()
    time: Time = Time()
    black_box: BlackBox = BlackBox()
