"""Expressions among the tags of a plant: what each means, in which order, how late and how large it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from operator import attrgetter
from typing import Final

from config.expression.bind import bind, kind_fault
from config.expression.operations import (
    DELAY_SPANS,
    FILLING_SPANS,
    KEEPS_SAMPLES,
    MEMORY_SPANS,
    Apply,
    Bound,
    Input,
    Kind,
    Op,
    inputs_of,
    parts_of,
)
from config.expression.parse import parse
from config.expression.tree import Call, ExpressionFault, Name, Tree
from config.series import Declared, GroupKey, Virtual, virtual_tag
from config.tags import Tag, ValueType
from config.text import Text, text
from config.units import show_duration

MOST_SAMPLES: Final = 36_000
"""The most samples that one window may hold; 16 bytes each."""

MOST_SAMPLES_OF_ALL: Final = 1_000_000

_SCANS_OF_A_RATE: Final = 2
"""Over fewer, a scan that is a little late is further back than the gap of two spans that ends a rate."""

SeriesFault = tuple[Declared, ExpressionFault]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    """What an expression must know of a name."""

    kind: Kind
    inputs: tuple[str, ...]
    periods_ns: Mapping[GroupKey, int]
    median_ns: int
    delay_ns: int
    filling_ns: int
    memory_ns: int
    meaning: str


@dataclass(slots=True)
class Resolution:
    """The virtual tags in the order of their numbers, and every fault."""

    virtuals: list[Virtual] = field(default_factory=list)
    faults: list[SeriesFault] = field(default_factory=list)


def resolve(
    declared: Sequence[Declared],
    tags: Sequence[Tag],
    period_of: Mapping[str, int],
    *,
    all_known: bool = True,
) -> Resolution:
    """Return the virtual tags of these expressions.

    `period_of`: nanoseconds by scan class. Unless `all_known`, there may be tags that are not among `tags`.
    They are numbered so that what rests on the same groups lies together, and each behind what it rests on.
    """
    resolver = _Resolver(tags, period_of, all_known)
    for one, tree in resolver.in_order(declared):
        resolver.add(one, tree)
    found = resolver.resolution
    found.virtuals.sort(key=lambda virtual: (len(virtual.groups), sorted(virtual.groups)))
    return found


def samples_kept(part: Bound, periods_ns: Sequence[int]) -> int:
    """Return how many samples an operation must be able to remember; scans may come late, so a few more."""
    if not isinstance(part, Apply) or part.op not in KEEPS_SAMPLES:
        return 0
    return sum(part.span_ns // period_ns + 3 for period_ns in periods_ns)


class _Resolver:
    """Resolves one expression after the other."""

    def __init__(self, tags: Sequence[Tag], period_of: Mapping[str, int], all_known: bool) -> None:
        self.resolution = Resolution()
        self._all_known = all_known
        self._samples = 0
        self._signals = {tag.tag: _of_tag(tag, period_of[tag.scan_class]) for tag in tags}
        self._kinds: dict[str, Kind | None] = {name: signal.kind for name, signal in self._signals.items()}

    def in_order(self, declared: Sequence[Declared]) -> Iterator[tuple[Declared, Tree]]:
        """Yield what can be parsed, each behind the series that it names; tell the rest as faults."""
        trees: dict[str, tuple[Declared, Tree]] = {}
        self._kinds |= {one.name: None for one in declared if one.public and one.name not in self._kinds}
        for one in declared:
            try:
                trees[one.name] = one, parse(one.source)
            except ExpressionFault as fault:
                self._fault(one, fault)
        public = {name for name, (one, _) in trees.items() if one.public and name not in self._signals}
        rests_on = {name: _names(tree) & public for name, (_, tree) in trees.items()}
        while True:
            try:
                order = list(TopologicalSorter(rests_on).static_order())
            except CycleError as error:
                self._tell_cycle(error.args[1], trees)
                for name in error.args[1]:
                    rests_on[name] = set()
                    trees.pop(name, None)
            else:
                yield from (trees[name] for name in order if name in trees)
                return

    def _tell_cycle(self, cycle: list[str], trees: Mapping[str, tuple[Declared, Tree]]) -> None:
        shown = " -> ".join(reversed(cycle))
        words = text('"{name}" rests on itself: {cycle}', name=cycle[-1], cycle=shown)
        self._fault(trees[cycle[-1]][0], ExpressionFault(words, 0))

    def add(self, one: Declared, tree: Tree) -> None:
        """Resolve one expression; what it names is resolved already, or has a fault."""
        bound, faults = bind(tree, self._kinds, all_known=self._all_known)
        for fault in faults:
            self._fault(one, fault)
        if bound is None or not self._is_wanted(one, bound) or not self._spans(one, bound):
            return
        if not self._fits(one, bound):
            return
        signal = self._signal(one, bound)
        self.resolution.virtuals.append(
            Virtual(
                tag=virtual_tag(one, bound, signal.meaning),
                bound=bound,
                loc=one.loc,
                inputs=signal.inputs,
                groups=frozenset(signal.periods_ns),
                period_ns=max(signal.periods_ns.values()),
                fastest_ns=min(signal.periods_ns.values()),
                median_ns=signal.median_ns,
                delay_ns=signal.delay_ns,
                filling_ns=signal.filling_ns,
                memory_ns=signal.memory_ns,
                skew_ns=_skew_ns(one, signal),
            )
        )
        if one.public and one.name not in self._signals:
            self._signals[one.name] = signal
            self._kinds[one.name] = signal.kind

    def _fault(self, one: Declared, fault: ExpressionFault) -> None:
        self.resolution.faults.append((one, fault))

    def _is_wanted(self, one: Declared, bound: Bound) -> bool:
        fault: ExpressionFault | None = None
        if one.wanted is None and bound.kind is Kind.TIME:
            fault = ExpressionFault(text("a series is a number or true or false; compare this duration"), 0)
        elif one.wanted is not None and bound.kind is not one.wanted:
            fault = kind_fault(bound.kind, one.wanted, 0)
        elif not all(inputs_of(part) for part in parts_of(bound) if part is bound or isinstance(part, Apply)):
            words = text("a part of this names no tag, so it never changes; write the figure")
            fault = ExpressionFault(words, 0)
        if fault is not None:
            self._fault(one, fault)
        return fault is None

    def _spans(self, one: Declared, bound: Bound) -> bool:
        """Tell whether every rate is over a time in which there are scans, though they come late."""
        for part in parts_of(bound):
            if not isinstance(part, Apply) or part.op is not Op.RATE:
                continue
            least_ns = _SCANS_OF_A_RATE * max(self._periods_ns(part))
            if part.span_ns < least_ns:
                words = text(
                    "a rate over {span} would often have no scan to begin with; write {least} or more",
                    span=show_duration(part.span_ns),
                    least=show_duration(least_ns),
                )
                self._fault(one, ExpressionFault(words, 0))
                return False
        return True

    def _fits(self, one: Declared, bound: Bound) -> bool:
        """Tell whether its windows are small enough to be kept."""
        for part in parts_of(bound):
            if not isinstance(part, Apply) or not (samples := samples_kept(part, self._periods_ns(part))):
                continue
            self._samples += samples
            if samples > MOST_SAMPLES or self._samples > MOST_SAMPLES_OF_ALL:
                self._fault(one, ExpressionFault(self._too_long(part, samples), 0))
                return False
        return True

    def _too_long(self, part: Apply, samples: int) -> Text:
        if samples <= MOST_SAMPLES:
            return text(
                "with this window all windows together hold {samples} samples; at most {most} are kept",
                samples=self._samples,
                most=MOST_SAMPLES_OF_ALL,
            )
        return text(
            "a window of {span} at a scan every {period} holds {samples} samples; at most {most} are kept: "
            "shorten it, or take tags of a slower scan class",
            span=show_duration(part.span_ns),
            period=show_duration(min(self._periods_ns(part))),
            samples=samples,
            most=MOST_SAMPLES,
        )

    def _periods_ns(self, part: Bound) -> list[int]:
        return list(self._union(part).values())

    def _union(self, part: Bound) -> dict[GroupKey, int]:
        return {key: ns for name in inputs_of(part) for key, ns in self._signals[name].periods_ns.items()}

    def _signal(self, one: Declared, bound: Bound) -> _Signal:
        inputs = [self._signals[name] for name in inputs_of(bound)]
        named = {name: self._signals[name].meaning for name in inputs_of(bound)}
        meanings = [f"{name}: {meaning}" for name, meaning in named.items() if meaning]
        return _Signal(
            kind=bound.kind,
            inputs=tuple(dict.fromkeys(name for signal in inputs for name in signal.inputs)),
            periods_ns=self._union(bound),
            median_ns=max(signal.median_ns for signal in inputs),
            delay_ns=self._longest_ns(bound, DELAY_SPANS, attrgetter("delay_ns")),
            filling_ns=self._longest_ns(bound, FILLING_SPANS, attrgetter("filling_ns")),
            memory_ns=self._longest_ns(bound, MEMORY_SPANS, attrgetter("memory_ns")),
            meaning="; ".join((one.source, *meanings)),
        )

    def _longest_ns(self, bound: Bound, spans: Mapping[Op, int], of_input: Callable[[_Signal], int]) -> int:
        """Return the longest sum from an input to the result; `spans`: how many of its own each step adds."""
        if isinstance(bound, Input):
            return of_input(self._signals[bound.name])
        if not isinstance(bound, Apply):
            return 0
        own_ns = spans.get(bound.op, 0) * bound.span_ns
        return own_ns + max(self._longest_ns(part, spans, of_input) for part in bound.inputs)


def _of_tag(tag: Tag, period_ns: int) -> _Signal:
    return _Signal(
        kind=Kind.TRUTH if tag.type is ValueType.BOOL else Kind.NUMBER,
        inputs=(tag.tag,),
        periods_ns={(tag.device, tag.scan_class): period_ns},
        median_ns=tag.delay_ns(period_ns),
        delay_ns=tag.delay_ns(period_ns),
        filling_ns=0,
        memory_ns=tag.delay_ns(period_ns),
        meaning="",
    )


def _skew_ns(one: Declared, signal: _Signal) -> int:
    if one.skew_ns is not None:
        return one.skew_ns
    slowest_ns = max(signal.periods_ns.values())
    return slowest_ns + slowest_ns // 4


def _names(tree: Tree) -> set[str]:
    """Return every name that a tree has in it."""
    if isinstance(tree, Name):
        return {tree.name}
    if not isinstance(tree, Call):
        return set()
    return {name for argument in tree.arguments for name in _names(argument.tree)}
