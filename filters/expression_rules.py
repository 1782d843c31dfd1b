"""The alarms that stand while an expression is true: `rules.alarms` of the plant."""

from __future__ import annotations

from collections.abc import Iterator

from config.plant import Plant
from config.rules import AlarmRule as Description
from config.series import Virtual, suppressed_name, when_name
from filters.alarm_rules import AlarmRule, sensors_of
from filters.comparisons import Comparison
from filters.machine import AT_LEAST, IS_BAD


def expression_rules(plant: Plant) -> list[AlarmRule]:
    """Return the alarms by expression.

    A rule that is Bad for its `fault_delay` is an alarm of its own, `<name>.bad`: unknown is not safe. A
    window that fills after a start is no fault, so that time comes on top. `filters.explained` holds it back
    where its inputs' own alarms say as much.
    """
    return [one for name, rule in plant.alarm_rules.items() for one in _of_rule(plant, name, rule)]


def expression_suppressors(plant: Plant) -> list[Comparison]:
    """Return the expressions while which alarm rules mean nothing."""
    return [
        _is_true(plant, suppressed_name(name), suppressed_name(name))
        for name, rule in plant.alarm_rules.items()
        if rule.suppressed_when is not None
    ]


def _of_rule(plant: Plant, name: str, rule: Description) -> Iterator[AlarmRule]:
    virtual = plant.virtual(when_name(name))
    assert virtual is not None, "the condition of a rule is a virtual tag"
    inputs = tuple(plant.number_of[inside] for inside in virtual.inputs)
    yield AlarmRule(
        comparison=_is_true(
            plant, name, virtual.name, on_delay_ns=rule.on_delay, off_delay_ns=rule.off_delay
        ),
        latch=rule.latch,
        group=rule.group or "",
        suppressed_by=suppressed_name(name) if rule.suppressed_when is not None else "",
        unless=sensors_of(plant, suppressed_name(name)) if rule.suppressed_when is not None else (),
        response=rule.response,
        basis=rule.basis,
        inputs=inputs,
    )
    yield AlarmRule(comparison=_is_bad(virtual, name, rule), basis=rule.basis, inputs=inputs)


def _is_true(plant: Plant, key: str, name: str, *, on_delay_ns: int = 0, off_delay_ns: int = 0) -> Comparison:
    return Comparison(
        key=key,
        tag=plant.signal(name),
        test=AT_LEAST,
        limit=1.0,
        release=1.0,
        on_delay_ns=on_delay_ns,
        off_delay_ns=off_delay_ns,
    )


def _is_bad(virtual: Virtual, name: str, rule: Description) -> Comparison:
    return Comparison(
        key=f"{name}.bad",
        tag=virtual.tag,
        test=IS_BAD,
        limit=0.0,
        release=0.0,
        on_delay_ns=rule.fault_delay + virtual.filling_ns,
        off_delay_ns=rule.off_delay,
    )
