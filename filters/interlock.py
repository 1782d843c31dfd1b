"""What an interlock looks at: its inputs as comparisons, and how long each may take to show."""

from __future__ import annotations

from dataclasses import dataclass

from config.plant import Plant
from config.rules import Condition, Interlock
from filters.comparisons import Comparison, Comparisons, limit_key, test_of
from filters.sight import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An effect that must be seen within a time; if it came in time, `grace_ns` later it has been sampled."""

    sight: Sight
    within_ns: int
    grace_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one interlock.

    `patience_ns`: two periods of its slowest scan, after which everything that was true has been seen.
    `spurious_after_ns`: how long after an effect its cause may still be declared.
    """

    cause: Sight
    armed: Sight | None
    bypassed: Sight | None
    effects: tuple[Expected, ...]
    skew_ns: int
    patience_ns: int
    spurious_after_ns: int

    @property
    def all(self) -> tuple[Sight, ...]:
        """Every input, the cause first."""
        conditions = tuple(sight for sight in (self.armed, self.bypassed) if sight is not None)
        return (self.cause, *conditions, *(effect.sight for effect in self.effects))


def interlock_comparisons(plant: Plant) -> list[Comparison]:
    """Return what the interlocks of a plant compare, beside the limits that are alarms already."""
    return [
        _comparison(plant, key, condition, on_delay_ns)
        for interlock in plant.interlocks
        for key, condition, on_delay_ns in _conditions(interlock)
    ]


def watched_keys(plant: Plant) -> set[str]:
    """Return the comparisons that interlocks look at."""
    causes = {_cause_key(interlock) for interlock in plant.interlocks}
    return causes | {row.key for row in interlock_comparisons(plant)}


def inputs_of(interlock: Interlock, plant: Plant, comparisons: Comparisons) -> Inputs:
    """Return the inputs of an interlock, found among the comparisons."""
    cause = Sight(comparisons, _cause_key(interlock))
    effects = tuple(
        Expected(
            sight=Sight(comparisons, _effect_key(interlock, number)),
            within_ns=effect.within,
            grace_ns=2 * plant.period_ns(effect.tag) + plant.delay_ns(effect.tag),
        )
        for number, effect in enumerate(interlock.effects)
    )
    patience_ns = 2 * max(plant.period_ns(name) for name in _tags(interlock))
    declared_after_ns = plant.delay_ns(interlock.cause.tag) + cause.rule.on_delay_ns
    return Inputs(
        cause=cause,
        armed=Sight(comparisons, f"{interlock.name}/armed") if interlock.armed_when else None,
        bypassed=Sight(comparisons, f"{interlock.name}/bypassed") if interlock.bypassed_when else None,
        effects=effects,
        skew_ns=interlock.skew,
        patience_ns=patience_ns,
        spurious_after_ns=interlock.skew + declared_after_ns + patience_ns,
    )


def _conditions(interlock: Interlock) -> list[tuple[str, Condition, int]]:
    found: list[tuple[str, Condition, int]] = []
    if interlock.cause.limit is None:
        found.append((_cause_key(interlock), interlock.cause, interlock.cause.on_delay))
    if interlock.armed_when is not None:
        found.append((f"{interlock.name}/armed", interlock.armed_when, 0))
    if interlock.bypassed_when is not None:
        found.append((f"{interlock.name}/bypassed", interlock.bypassed_when, 0))
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


def _cause_key(interlock: Interlock) -> str:
    limit = interlock.cause.limit
    return f"{interlock.name}/cause" if limit is None else limit_key(interlock.cause.tag, limit)


def _effect_key(interlock: Interlock, number: int) -> str:
    return f"{interlock.name}/effect.{number}"


def _tags(interlock: Interlock) -> list[str]:
    conditions = (interlock.cause, interlock.armed_when, interlock.bypassed_when, *interlock.effects)
    return [condition.tag for condition in conditions if condition is not None]
