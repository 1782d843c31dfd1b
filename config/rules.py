"""Rules of the plant description: what the plant declares beyond its tags' own limits."""

from __future__ import annotations

from pydantic import Field

from config.fields import Identifier, Level, Line, Model
from config.units import MS, Duration
from config.vocabulary import Limit


class Condition(Model):
    """A tag compared with one number; exactly one comparison is given."""

    tag: Identifier
    equals: Level | None = None
    above: float | None = None
    below: float | None = None


class Cause(Condition):
    """What demands the interlock: a comparison of its own (or the PLC's trip bit), or a limit of the tag.

    With `limit`, the comparison and the delay are those of the tag's alarm.
    """

    limit: Limit | None = None
    on_delay: Duration = 0


class Effect(Condition):
    """What must be seen within a time after the onset of the cause."""

    within: Duration


class Interlock(Model):
    """An interlock of the plant that the agent witnesses; the agent never acts."""

    name: Identifier
    title: Line = ""
    armed_when: Condition | None = None
    cause: Cause
    effects: tuple[Effect, ...] = Field(min_length=1)
    bypassed_when: Condition | None = None
    skew: Duration = 200 * MS


class Rules(Model):
    """What the plant declares beyond its tags' own limits."""

    interlocks: tuple[Interlock, ...] = ()
