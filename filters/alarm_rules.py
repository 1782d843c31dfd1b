"""The alarms of a plant: the limits LL, L, H, HH of a tag, and its sensor being Bad (ISA-18.2, IEC 62682).

* A limit is met when the value reaches it; it is left when the value has come back by the deadband.
* A Bad input never raises or clears a limit alarm: it is an alarm of its own, `<tag>.bad`, once it has lasted
  for `fault_delay`. Tags that are marked as safety tags have that alarm, and so has every tag with LL or HH,
  because otherwise a broken sensor would hide the demand that the limit stands for. It is never suppressed by
  design: a sensor that is broken now is broken when it is needed.
* An Uncertain input is judged, and the event says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.plant import Plant
from config.rules import Condition
from config.tags import Tag
from config.vocabulary import Limit
from filters.comparisons import Comparison, limit_key, test_of
from filters.machine import AT_LEAST, AT_MOST, IS_BAD

_HIGH = (Limit.H, Limit.HH)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """One alarm: what is compared, and how it lives and is told.

    `latch`: it stands until acknowledged. `group`: whose first-out is asked for. `suppressed_by`: the key of
    the comparison while which it means nothing; `unless`: the alarms which tell that this cannot be read.
    `response`, `basis`: what to do, and who asks for it.
    `inputs`: of an expression, the numbers of the tags that it rests on.
    """

    comparison: Comparison
    latch: bool = False
    group: str = ""
    suppressed_by: str = ""
    unless: tuple[str, ...] = ()
    response: str = ""
    basis: str = ""
    inputs: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The alarm's name: that of its comparison."""
        return self.comparison.key


def alarm_rules(plant: Plant) -> list[AlarmRule]:
    """Return the alarms of a plant."""
    return [rule for tag in plant.tags for rule in (*_limits(plant, tag), *_sensor(tag))]


def sensors_of(plant: Plant, name: str) -> tuple[str, ...]:
    """Return the bad-sensor alarms of a tag, or of all that a virtual one rests on."""
    virtual = plant.virtual(name)
    inputs = virtual.inputs if virtual is not None else (name,)
    return tuple(f"{tag}.bad" for tag in inputs if plant.signal(tag).tells_bad)


def suppressors(plant: Plant) -> list[Comparison]:
    """Return the conditions while which alarms mean nothing, each once."""
    conditions = {
        suppressor_key(tag.suppressed_when): tag.suppressed_when
        for tag in plant.tags
        if tag.suppressed_when is not None and tag.limits
    }
    return [_suppressor(plant, key, condition) for key, condition in conditions.items()]


def suppressor_key(condition: Condition) -> str:
    """Return the name of a condition's comparison; no alarm, interlock or tag can have it."""
    test, limit = test_of(condition)
    return f"while {condition.tag} {test} {limit:g}"


def _suppressor(plant: Plant, key: str, condition: Condition) -> Comparison:
    test, limit = test_of(condition)
    tag = plant.signal(condition.tag)
    return Comparison(key=key, tag=tag, test=test, limit=limit, release=limit)


def _limits(plant: Plant, tag: Tag) -> Iterable[AlarmRule]:
    condition = tag.suppressed_when
    for limit, number in tag.limits.items():
        yield AlarmRule(
            comparison=Comparison(
                key=limit_key(tag.tag, limit),
                tag=tag,
                test=AT_LEAST if limit in _HIGH else AT_MOST,
                limit=number,
                release=number - tag.alarm_deadband if limit in _HIGH else number + tag.alarm_deadband,
                on_delay_ns=tag.on_delay,
                off_delay_ns=tag.off_delay,
            ),
            latch=tag.latch,
            group=tag.alarm_group,
            suppressed_by=suppressor_key(condition) if condition is not None else "",
            unless=sensors_of(plant, condition.tag) if condition is not None else (),
            response=tag.response,
            basis=tag.basis,
        )


def _sensor(tag: Tag) -> Iterable[AlarmRule]:
    if tag.tells_bad:
        yield AlarmRule(
            comparison=Comparison(
                key=f"{tag.tag}.bad",
                tag=tag,
                test=IS_BAD,
                limit=0.0,
                release=0.0,
                on_delay_ns=tag.fault_delay,
                off_delay_ns=tag.off_delay,
            ),
            response=tag.response,
            basis=tag.basis,
        )
