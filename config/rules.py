"""Rules of the plant description: what the plant declares beyond its tags' own limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.fields import Expression, Identifier, Level, Line, Model
from config.units import MS, Duration, S, no_shorter_than
from config.vocabulary import Limit, Priority, Voting


class Series(Model):
    """A derived series: what an expression says, numbered like a tag.

    `skew`: how far the samples of its inputs may lie apart before it is Uncertain; default the period of the
    slowest input and a quarter.
    """

    value: Expression
    unit: Line = ""
    title: Line = ""
    skew: Duration | None = None


class AlarmRule(Model):
    """An alarm that stands while an expression is true.

    `response`: what is to be done (处置提示). `basis`: the clause or document that the rule rests on.
    `fault_delay`: how long the expression may be Bad before that is an alarm of its own.
    `suppressed_when`: suppression by design (ISA-18.2).
    """

    when: Expression
    on_delay: Duration = 0
    off_delay: Duration = 0
    fault_delay: Duration = 10 * S
    priority: Priority = Priority.HIGH
    title: Line = ""
    response: Line = ""
    basis: Line = ""
    latch: bool = False
    group: Identifier | None = None
    suppressed_when: Expression | None = None
    skew: Duration | None = None


class Condition(Model):
    """A tag or series compared with one number, or an expression that is true (`when`)."""

    tag: Identifier = ""
    when: Expression | None = None
    equals: Level | None = None
    above: float | None = None
    below: float | None = None


class Cause(Condition):
    """What demands the interlock: a comparison of its own (or the PLC's trip bit), or a limit of the tag.

    With `limit`, the comparison and the delay are those of the tag's alarm. `latched`: the plant's interlock
    holds on to it (a spark, a breakout probe), so that its withdrawal is no excuse for a missing effect.
    """

    limit: Limit | None = None
    on_delay: Duration = 0
    latched: bool = False


class Effect(Condition):
    """What must be seen within a time after the onset of the cause."""

    within: Duration


class Interlock(Model):
    """An interlock of the plant that the agent witnesses; the agent never acts.

    `exclusive`: its effects come for no other reason, so that one without a cause is told as spurious. A
    process that also stops in the evening is not exclusive.
    `vote`: so many of `cause` and `also` demand it. `ready_when`: its self-test, which must be good while it
    is armed. `proof_every`: how old its last proof may become. `response`, `basis`: what to do when it fails,
    and who asks for it.
    """

    name: Identifier
    title: Line = ""
    armed_when: Condition | None = None
    ready_when: Condition | None = None
    cause: Cause
    also: tuple[Cause, ...] = ()
    vote: Voting = Voting.ONE_OF_ONE
    effects: tuple[Effect, ...] = Field(min_length=1)
    bypassed_when: Condition | None = None
    skew: Duration = 200 * MS
    exclusive: bool = True
    proof_every: Annotated[Duration, no_shorter_than(1 * S)] | None = None
    response: Line = ""
    basis: Line = ""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Everything that votes."""
        return (self.cause, *self.also)


class Rules(Model):
    """What the plant declares beyond its tags' own limits."""

    series: dict[Identifier, Series] = Field(default_factory=dict)
    alarms: dict[Identifier, AlarmRule] = Field(default_factory=dict)
    interlocks: tuple[Interlock, ...] = ()
