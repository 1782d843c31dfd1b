"""The functions that an expression may call, and what each takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Final

from config.expression.operations import Apply, Bound, Constant, Kind, Op

MOLAR_VOLUME_L: Final = 8.314462618 * 293.15 / 101.325
"""Litres of one mole of an ideal gas at 20 degC and 101.325 kPa; the conditions of GBZ 2.1's limits."""

MMH2O_PER_KPA: Final = 1000 / 9.80665
"""The conventional millimetre of water, 9.80665 Pa (ISO 80000-4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a function.

    `kind` None: any fits. `default` None: it must be given. `constant`: only a plain figure fits, `least` or
    more. `of_rest`: it is how many of those of which many may be given: a whole number, no more.
    """

    name: str
    kind: Kind | None
    constant: bool = False
    default: float | None = None
    least: float | None = None
    of_rest: bool = False


Build = Callable[[list[Bound]], Bound]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function by its parameters; `rest`: the last one may be given many times, at least so often."""

    parameters: tuple[Parameter, ...]
    build: Build
    rest: int = 0


def _any(name: str, kind: Kind = Kind.NUMBER) -> Parameter:
    return Parameter(name=name, kind=kind)


def _figure(name: str, default: float | None = None, least: float | None = None) -> Parameter:
    return Parameter(name=name, kind=Kind.NUMBER, constant=True, default=default, least=least)


def _span(name: str, default: float | None = None) -> Parameter:
    return Parameter(name=name, kind=Kind.TIME, constant=True, default=default, least=1e-3)


def _ns(seconds: Bound) -> int:
    return round(_plain(seconds) * 1e9)


def _plain(figure: Bound) -> float:
    assert isinstance(figure, Constant), "the binder lets nothing else pass for a figure"
    return figure.number


def _windowed(op: Op, kind: Kind = Kind.NUMBER) -> Function:
    def build(given: list[Bound]) -> Bound:
        return Apply(op=op, inputs=(given[0],), kind=kind, span_ns=_ns(given[1]))

    return Function(
        parameters=(_any("x", kind), _span("window" if kind is Kind.NUMBER else "span")), build=build
    )


def _one(op: Op, takes: Kind | None, gives: Kind) -> Function:
    def build(given: list[Bound]) -> Bound:
        return Apply(op=op, inputs=(given[0],), kind=gives)

    return Function(parameters=(Parameter(name="x", kind=takes),), build=build)


def _times(factor: Callable[[list[Bound]], float], *more: Parameter) -> Function:
    def build(given: list[Bound]) -> Bound:
        by = Constant(number=factor(given), kind=Kind.NUMBER)
        return Apply(op=Op.MULTIPLY, inputs=(given[0], by), kind=Kind.NUMBER)

    return Function(parameters=(_any("x"), *more), build=build)


def _of_several(op: Op) -> Function:
    def build(given: list[Bound]) -> Bound:
        return reduce(lambda left, right: Apply(op=op, inputs=(left, right), kind=Kind.NUMBER), given)

    return Function(parameters=(_any("x"),), build=build, rest=2)


def _rate(given: list[Bound]) -> Bound:
    return Apply(
        op=Op.RATE, inputs=(given[0],), kind=Kind.NUMBER, span_ns=_ns(given[1]), number=_plain(given[2])
    )


def _stuck(given: list[Bound]) -> Bound:
    x, eps, span, armed = given
    return Apply(op=Op.STUCK, inputs=(x, armed), kind=Kind.TRUTH, number=_plain(eps), span_ns=_ns(span))


def _increase(given: list[Bound]) -> Bound:
    return Apply(
        op=Op.INCREASE, inputs=(given[0],), kind=Kind.NUMBER, span_ns=_ns(given[1]), number=_plain(given[2])
    )


def _count(given: list[Bound]) -> Bound:
    edges = Apply(op=Op.EDGES, inputs=(given[0],), kind=Kind.NUMBER)
    return Apply(op=Op.INCREASE, inputs=(edges,), kind=Kind.NUMBER, span_ns=_ns(given[1]))


def _votes(op: Op) -> Function:
    def build(given: list[Bound]) -> Bound:
        tally: tuple[Bound, ...] = ()
        for vote in given[1:]:
            tally = (Apply(op=Op.TALLY, inputs=(*tally, vote), kind=Kind.NUMBER),)
        return Apply(op=op, inputs=tally, kind=Kind.TRUTH, number=_plain(given[0]))

    needed = Parameter(name="m", kind=Kind.NUMBER, constant=True, least=1, of_rest=True)
    return Function(parameters=(needed, _any("x", Kind.TRUTH)), build=build, rest=2)


_MOLAR_MASS: Final = _figure("molar_mass", least=1)
_STUCK_PARAMETERS: Final = (
    _any("x"),
    _figure("eps", least=0),
    _span("for"),
    Parameter(name="while", kind=Kind.TRUTH, default=1.0),
)

FUNCTIONS: Final[dict[str, Function]] = {
    "ewma": _windowed(Op.EWMA),
    "avg": _windowed(Op.MEAN_OVER),
    "min": _windowed(Op.LEAST_OVER),
    "max": _windowed(Op.MOST_OVER),
    "hold_max": _windowed(Op.MOST_OVER),
    "rate": Function(parameters=(_any("x"), _span("window"), _span("per", 1.0)), build=_rate),
    "increase": Function(
        parameters=(_any("x"), _span("window"), _figure("wraps", 0.0, least=0)), build=_increase
    ),
    "count": Function(parameters=(_any("x", Kind.TRUTH), _span("window")), build=_count),
    "on_for": _windowed(Op.ON_FOR, Kind.TRUTH),
    "off_for": _windowed(Op.OFF_FOR, Kind.TRUTH),
    "debounce": _windowed(Op.DEBOUNCE, Kind.TRUTH),
    "stuck": Function(parameters=_STUCK_PARAMETERS, build=_stuck),
    "votes": _votes(Op.SUSPECTED_VOTES),
    "proven_votes": _votes(Op.PROVEN_VOTES),
    "abs": _one(Op.ABSOLUTE, Kind.NUMBER, Kind.NUMBER),
    "ppm": _times(lambda given: MOLAR_VOLUME_L / _plain(given[1]), _MOLAR_MASS),
    "mg_m3": _times(lambda given: _plain(given[1]) / MOLAR_VOLUME_L, _MOLAR_MASS),
    "mmh2o": _times(lambda _: MMH2O_PER_KPA),
    "kpa": _times(lambda _: 1 / MMH2O_PER_KPA),
    "bad": _one(Op.IS_BAD, None, Kind.TRUTH),
    "age": _one(Op.AGE, None, Kind.TIME),
}

OF_SEVERAL: Final = {"min": _of_several(Op.SMALLER), "max": _of_several(Op.LARGER)}
"""What these mean where their second argument is no duration."""
