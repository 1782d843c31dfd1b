"""What an interlock looks at: its inputs as comparisons, and how long each may take to show."""

from __future__ import annotations

from dataclasses import dataclass

from config.plant import Plant
from config.rules import Condition, Interlock
from filters.comparisons import Comparison, Comparisons, limit_key, test_of
from filters.sight import Sight
from filters.vote import Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An effect that must be seen within a time; if it came in time, `grace_ns` later it has been sampled."""

    sight: Sight
    within_ns: int
    grace_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one interlock. `cause` is one sight, or the vote of several.

    `patience_ns`: two periods of its slowest scan, after which everything that was true has been seen.
    `latched`: the demand holds although the cause is withdrawn.
    `spurious_after_ns`: how long after an effect its cause may still be declared. `exclusive`: an effect
    without a cause is worth telling.
    """

    cause: Sight | Vote
    armed: Sight | None
    ready: Sight | None
    bypassed: Sight | None
    effects: tuple[Expected, ...]
    skew_ns: int
    patience_ns: int
    spurious_after_ns: int
    exclusive: bool
    latched: bool

    @property
    def all(self) -> tuple[Sight, ...]:
        """Every input, the cause first."""
        return (*self.cause.parts, *self.others)

    @property
    def others(self) -> tuple[Sight, ...]:
        """Every input but the causes."""
        conditions = (self.armed, self.ready, self.bypassed)
        return (*(one for one in conditions if one is not None), *(effect.sight for effect in self.effects))

    @property
    def in_force(self) -> bool:
        """It is seen to be armed and not bypassed."""
        armed, bypass = self.armed, self.bypassed
        is_armed = armed is None or (armed.true and not armed.bad)
        return is_armed and (bypass is None or not (bypass.true or bypass.bad))

    @property
    def unreadable(self) -> list[Sight]:
        """The inputs whose being Bad leaves something untold; one that is outvoted is none of them."""
        causes = self.cause.parts if self.cause.bad else ()
        return [sight for sight in (*causes, *self.others) if sight.bad]


def interlock_comparisons(plant: Plant) -> list[Comparison]:
    """Return what the interlocks of a plant compare, beside the limits that are alarms already."""
    return [
        _comparison(plant, key, condition, on_delay_ns)
        for interlock in plant.interlocks
        for key, condition, on_delay_ns in _conditions(interlock)
    ]


def watched_keys(plant: Plant) -> set[str]:
    """Return the comparisons that interlocks look at."""
    causes = {
        _cause_key(interlock, number)
        for interlock in plant.interlocks
        for number in range(len(interlock.causes))
    }
    return causes | {row.key for row in interlock_comparisons(plant)}


def inputs_of(interlock: Interlock, plant: Plant, comparisons: Comparisons) -> Inputs:
    """Return the inputs of an interlock, found among the comparisons."""
    causes = tuple(
        Sight(comparisons, _cause_key(interlock, number)) for number in range(len(interlock.causes))
    )
    effects = tuple(
        Expected(
            sight=Sight(comparisons, _effect_key(interlock, number)),
            within_ns=effect.within,
            grace_ns=2 * plant.period_ns(effect.tag) + plant.delay_ns(effect.tag),
        )
        for number, effect in enumerate(interlock.effects)
    )
    patience_ns = 2 * max(plant.period_ns(name) for name in _tags(interlock))
    declared_after_ns = max(plant.delay_ns(cause.rule.tag.tag) + cause.rule.on_delay_ns for cause in causes)
    return Inputs(
        cause=Vote(causes, interlock.vote.needed) if len(causes) > 1 else causes[0],
        armed=Sight(comparisons, f"{interlock.name}/armed") if interlock.armed_when else None,
        ready=Sight(comparisons, f"{interlock.name}/ready") if interlock.ready_when else None,
        bypassed=Sight(comparisons, f"{interlock.name}/bypassed") if interlock.bypassed_when else None,
        effects=effects,
        skew_ns=interlock.skew,
        patience_ns=patience_ns,
        spurious_after_ns=interlock.skew + declared_after_ns + patience_ns,
        exclusive=interlock.exclusive,
        latched=interlock.cause.latched,
    )


def _conditions(interlock: Interlock) -> list[tuple[str, Condition, int]]:
    found: list[tuple[str, Condition, int]] = [
        (_cause_key(interlock, number), cause, cause.on_delay)
        for number, cause in enumerate(interlock.causes)
        if cause.limit is None
    ]
    conditions = {
        "armed": interlock.armed_when,
        "ready": interlock.ready_when,
        "bypassed": interlock.bypassed_when,
    }
    found += [
        (f"{interlock.name}/{key}", condition, 0)
        for key, condition in conditions.items()
        if condition is not None
    ]
    found += [(_effect_key(interlock, n), effect, 0) for n, effect in enumerate(interlock.effects)]
    return found


def _comparison(plant: Plant, key: str, condition: Condition, on_delay_ns: int) -> Comparison:
    test, limit = test_of(condition)
    return Comparison(
        key=key,
        tag=plant.signal(condition.tag),
        test=test,
        limit=limit,
        release=limit,
        on_delay_ns=on_delay_ns,
    )


def _cause_key(interlock: Interlock, number: int) -> str:
    cause = interlock.causes[number]
    if cause.limit is not None:
        return limit_key(cause.tag, cause.limit)
    return f"{interlock.name}/cause.{number}" if number else f"{interlock.name}/cause"


def _effect_key(interlock: Interlock, number: int) -> str:
    return f"{interlock.name}/effect.{number}"


def _tags(interlock: Interlock) -> list[str]:
    conditions = (interlock.armed_when, interlock.ready_when, interlock.bypassed_when)
    every = (*interlock.causes, *conditions, *interlock.effects)
    return [condition.tag for condition in every if condition is not None]
