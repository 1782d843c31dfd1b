"""Derived series as *virtual tags*: what a plant declares, and what is known of each once it is resolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from config.expression.operations import Bound, Kind
from config.faults import Loc
from config.rules import AlarmRule, Condition, Interlock, Series
from config.tags import Tag, ValueType
from config.vocabulary import Priority

SINGLE_CONDITIONS: Final = ("armed_when", "ready_when", "cause", "bypassed_when")
"""The conditions that an interlock has one of at most."""

GroupKey = tuple[str, str]
"""Device and scan class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """An expression of the description: the name of its virtual tag, and where its text stands.

    `wanted`: the kind that it must have; None: any but a duration. `public`: other expressions may name it.
    """

    name: str
    source: str
    loc: Loc
    wanted: Kind | None = Kind.TRUTH
    public: bool = False
    title: str = ""
    unit: str = ""
    priority: Priority = Priority.HIGH
    skew_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Virtual:
    """A derived series that is numbered behind the plant's tags.

    `tag`: this, as if it were in a point table, without a device; its address is the expression. `inputs`:
    the plant's tags that it rests on, also by way of other series; `groups`: theirs. `period_ns`,
    `fastest_ns`: of the slowest and the fastest of them. `median_ns`: the longest delay of their medians;
    `delay_ns`: how long, with that, until a change of them is through; `filling_ns`: how long it is Bad at
    first, however good they are; `memory_ns`: how long ago what it rests on may be. `skew_ns`: see
    `config.rules.Series`.
    `loc`: where its expression stands.
    """

    tag: Tag
    bound: Bound
    loc: Loc
    inputs: tuple[str, ...]
    groups: frozenset[GroupKey]
    period_ns: int
    fastest_ns: int
    median_ns: int
    delay_ns: int
    filling_ns: int
    memory_ns: int
    skew_ns: int

    @property
    def window(self) -> int:
        """How often it must be renewed until a spike has left its filters."""
        return 1 + 2 * -(-self.delay_ns // self.fastest_ns)

    @property
    def name(self) -> str:
        """What rules call it."""
        return self.tag.tag


def virtual_tag(declared: Declared, bound: Bound, meaning: str) -> Tag:
    """Return a series as a row of a point table; no device has it, so nothing of it is validated."""
    return Tag.model_construct(
        tag=declared.name,
        title=declared.title,
        unit=declared.unit,
        priority=declared.priority,
        device="",
        scan_class="",
        address=meaning,
        type=ValueType.BOOL if bound.kind is Kind.TRUTH else ValueType.FLOAT64,
    )


def when_name(rule: str) -> str:
    """Return the name of the virtual tag that says whether an alarm rule's expression is true."""
    return f"{rule}/when"


def suppressed_name(rule: str) -> str:
    """Return the name of the virtual tag that says whether an alarm rule is suppressed by design."""
    return f"{rule}/suppressed"


def condition_name(interlock: str, part: tuple[str | int, ...]) -> str:
    """Return the name of the virtual tag of an interlock's condition: `("effects", 0)` and so on."""
    return "/".join((interlock, *map(str, part)))


def conditions_of(interlock: Interlock) -> Iterator[tuple[tuple[str | int, ...], Condition]]:
    """Yield every condition of an interlock and where it stands in it."""
    for key in SINGLE_CONDITIONS:
        condition = getattr(interlock, key)
        if condition is not None:
            yield (key,), condition
    for number, cause in enumerate(interlock.also):
        yield ("also", number), cause
    for number, effect in enumerate(interlock.effects):
        yield ("effects", number), effect


def declared_of(
    series: Mapping[str, Series],
    alarms: Mapping[str, AlarmRule],
    conditions: Iterable[tuple[str, Loc, Condition]],
) -> list[Declared]:
    """Return every expression. `conditions`: of interlocks, with their virtual name and their place."""
    return [
        *(_of_series(name, one) for name, one in series.items()),
        *(declared for name, rule in alarms.items() for declared in _of_alarm(name, rule)),
        *(
            Declared(name=name, source=condition.when, loc=(*loc, "when"), title=condition.when)
            for name, loc, condition in conditions
            if condition.when is not None
        ),
    ]


def _of_series(name: str, series: Series) -> Declared:
    return Declared(
        name=name,
        source=series.value,
        loc=("rules", "series", name, "value"),
        wanted=None,
        public=True,
        title=series.title,
        unit=series.unit,
        skew_ns=series.skew,
    )


def _of_alarm(name: str, rule: AlarmRule) -> Iterator[Declared]:
    loc = ("rules", "alarms", name)
    yield Declared(
        name=when_name(name),
        source=rule.when,
        loc=(*loc, "when"),
        title=rule.title or name,
        priority=rule.priority,
        skew_ns=rule.skew,
    )
    if rule.suppressed_when is not None:
        yield Declared(name=suppressed_name(name), source=rule.suppressed_when, loc=(*loc, "suppressed_when"))
