"""Alarm rules: what `rules.alarms` compares."""

from __future__ import annotations

from collections.abc import Iterator

from config.plant import Plant
from config.rules import AlarmRule
from config.series import when_name
from filters.comparisons import Comparison
from filters.machine import AT_LEAST, IS_BAD


def rule_comparisons(plant: Plant) -> list[Comparison]:
    """Return what the alarm rules of a plant compare.

    A rule that is Bad for its `fault_delay` is an alarm of its own, `<name>.bad`, where an input of it has no
    such alarm: unknown is not safe.
    """
    return [row for name, rule in plant.alarm_rules.items() for row in _of_rule(plant, name, rule)]


def _of_rule(plant: Plant, name: str, rule: AlarmRule) -> Iterator[Comparison]:
    tag = plant.signal(when_name(name))
    yield Comparison(
        key=name,
        tag=tag,
        test=AT_LEAST,
        limit=1.0,
        release=1.0,
        on_delay_ns=rule.on_delay,
        off_delay_ns=rule.off_delay,
    )
    virtual = plant.virtual(tag.tag)
    assert virtual is not None, "the condition of a rule is a virtual tag"
    if not all(plant.signal(inside).tells_bad for inside in virtual.inputs):
        yield Comparison(
            key=f"{name}.bad",
            tag=tag,
            test=IS_BAD,
            limit=0.0,
            release=0.0,
            on_delay_ns=rule.fault_delay,
            off_delay_ns=rule.off_delay,
        )
