"""A profile as typed models: what a file of this folder may say.

A profile speaks of *roles* ("the inlet pressure of the mould's cooling water"); a plant says which tag plays
which role. Every number carries the basis that it rests on and how far that was followed up (`Mark`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from config.fields import Identifier, Line, Model
from config.text import Language
from config.vocabulary import Limit


class Mark(StrEnum):
    """How far a number was followed up: read where it was published, known in general, or proposed by us."""

    SOURCED = "sourced"
    GENERAL = "general"
    PROPOSAL = "proposal"


class Titled(Model):
    """What has a name in both languages."""

    zh: Line
    en: Line

    def show(self, language: Language) -> str:
        """Return the name in `language`."""
        return self.zh if language == "zh" else self.en


class Based(Model):
    """What rests on something: a clause, a table, our own proposal."""

    mark: Mark
    basis: Line = ""


class StateIs(Model):
    """A role or a series that is true or false."""

    role: Identifier
    equals: bool


class LimitValue(Based):
    """An alarm limit: a number, or a ratio of what the site enters as `normal`, or a distance from it."""

    value: float | None = None
    ratio: float | None = None
    distance: float | None = None

    def at(self, normal: float | None) -> float | None:
        """Return the limit; None where it hangs on a `normal` that is not known."""
        if self.value is not None or normal is None:
            return self.value
        ratio, distance = (1.0 if self.ratio is None else self.ratio), self.distance or 0.0
        return round(ratio * normal + distance, 9)


class Role(Titled):
    """What a tag is in a plant of this kind.

    `scan`: the slowest period that serves. `settings`: fields of the tag that the point table need not fill.
    `suppressed_when`: while its limits mean nothing. `response`: what to do when it alarms (处置提示).
    """

    unit: Line = ""
    required: bool = False
    scan: Line = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    limits: dict[Limit, LimitValue] = Field(default_factory=dict)
    suppressed_when: StateIs | None = None
    response: Line = ""


class Parameter(Based):
    """A number or a duration that rules use by name, and that a site may set otherwise.

    Instead of a `value`, a `ratio` of what the site enters as the `normal` of the role `of`.
    """

    value: float | str | None = None
    ratio: float | None = None
    of: Identifier = ""

    def at(self, normal: Mapping[str, float]) -> float | str | None:
        """Return what it is where `normal` is so; None where it hangs on one that is not known."""
        if self.ratio is None:
            return self.value
        return round(self.ratio * normal[self.of], 9) if self.of in normal else None


class RoleIs(Model):
    """A role or a series compared with a number, or `any_of` several such; a word as number is a parameter.

    Of `any_of`, those count whose roles are played. `latched`, of a cause: see `config.rules.Cause`.
    """

    role: Identifier = ""
    any_of: tuple[RoleIs, ...] = ()
    equals: bool | float | None = None
    above: float | str | None = None
    below: float | str | None = None
    limit: Limit | None = None
    on_delay: Line | None = None
    latched: bool | None = None


class RoleEffect(RoleIs):
    """What must be seen after the cause; `within` is a duration, or names a parameter."""

    within: Line


class ProfileAlarm(Titled, Based):
    """An alarm that more than one reading decides, or a state that is one: `when` is an expression.

    It is over roles, series and parameters, as is `suppressed_when`: while the alarm means nothing.
    `latch`: it stands until it is acknowledged.
    """

    when: Line
    suppressed_when: Line = ""
    on_delay: Line = "0s"
    off_delay: Line = "0s"
    latch: bool = False
    priority: Literal["critical", "high", "medium", "low"] = "high"
    response: Line = ""


class ProfileInterlock(Titled, Based):
    """An interlock that a plant of this kind has. Effects whose role no tag plays are not witnessed.

    `ready_when`, `exclusive`: see `config.rules.Interlock`.
    """

    cause: RoleIs
    effects: tuple[RoleEffect, ...] = Field(min_length=1)
    armed_when: RoleIs | None = None
    ready_when: RoleIs | None = None
    bypassed_when: RoleIs | None = None
    exclusive: bool = True


class Profile(Titled):
    """A kind of plant. `series`: derived values by name, expressions over roles."""

    profile: Literal[1]
    name: Identifier
    basis: Line
    roles: dict[Identifier, Role]
    parameters: dict[Identifier, Parameter] = Field(default_factory=dict)
    series: dict[Identifier, str] = Field(default_factory=dict)
    alarms: dict[Identifier, ProfileAlarm] = Field(default_factory=dict)
    interlocks: dict[Identifier, ProfileInterlock] = Field(default_factory=dict)


class ProfileUse(Model):
    """A plant's use of a profile: one casting machine, one collector, one machine room.

    `tags`: role to tag; a tag that is called as the role, behind `prefix`, need not be named. `normal`: the
    value of a role in normal operation, in its tag's unit. `set`: parameters of the profile that differ here.
    `without`: rules that this plant does not have, each with the reason.
    """

    use: Identifier
    prefix: str = Field(default="", max_length=40)
    tags: dict[Identifier, Identifier] = Field(default_factory=dict)
    normal: dict[Identifier, float] = Field(default_factory=dict)
    set: dict[Identifier, float | str] = Field(default_factory=dict)
    without: dict[Identifier, Line] = Field(default_factory=dict)
