"""From tree to meaning: names are looked up, arguments find their parameters, and kinds must fit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from config.expression.functions import FUNCTIONS, OF_SEVERAL, Function, Parameter
from config.expression.operations import Apply, Bound, Constant, Input, Kind, Op
from config.expression.tree import Argument, Call, ExpressionFault, Name, Number, Span, Tree, Truth
from config.text import Text, text
from config.wording import unknown

_ARITHMETIC: Final = {"+": Op.ADD, "-": Op.SUBTRACT, "*": Op.MULTIPLY, "/": Op.DIVIDE}
_ON_FIGURES: Final[dict[Op, Callable[..., float]]] = {
    Op.ADD: operator.add,
    Op.SUBTRACT: operator.sub,
    Op.MULTIPLY: operator.mul,
    Op.DIVIDE: operator.truediv,
    Op.NEGATE: operator.neg,
}
_ORDER: Final = {"<": Op.BELOW, "<=": Op.AT_MOST, ">": Op.ABOVE, ">=": Op.AT_LEAST}
_EQUALITY: Final = {"==": Op.EQUAL, "!=": Op.UNEQUAL}
_LOGIC: Final = {"and": Op.AND, "or": Op.OR}
_KINDS: Final = {
    Kind.NUMBER: text("a number"),
    Kind.TRUTH: text("true or false"),
    Kind.TIME: text("a duration"),
}


def bind(
    tree: Tree, names: Mapping[str, Kind | None], *, all_known: bool = True
) -> tuple[Bound | None, list[ExpressionFault]]:
    """Return what an expression means, or None, and every fault of it.

    `names`: the kinds of tags and series; None where a series has a fault of its own. Unless `all_known`, a
    name that is not among them is no fault.
    """
    binder = _Binder(names, all_known)
    bound = binder.bind(tree)
    return bound, binder.faults


def kind_fault(kind: Kind, wanted: Kind, at: int) -> ExpressionFault:
    """Say that a value is not of the kind that is wanted."""
    words = text("this is {found}, not {wanted}", found=_KINDS[kind], wanted=_KINDS[wanted])
    if (kind, wanted) == (Kind.NUMBER, Kind.TRUTH):
        words = text("this is a number; compare it with another, for example > 0")
    return ExpressionFault(words, at)


@dataclass(slots=True)
class _Binder:
    """Binds one tree; None stands for a part that has a fault of its own."""

    names: Mapping[str, Kind | None]
    all_known: bool
    faults: list[ExpressionFault] = field(default_factory=list)

    def bind(self, tree: Tree) -> Bound | None:
        """Return the meaning of a tree."""
        match tree:
            case Number():
                return Constant(number=tree.number, kind=Kind.NUMBER)
            case Truth():
                return Constant(number=float(tree.truth), kind=Kind.TRUTH)
            case Span():
                return Constant(number=tree.span_ns / 1e9, kind=Kind.TIME)
            case Name():
                return self._name(tree)
            case Call():
                return self._call(tree)

    def _fault(self, words: Text, at: int) -> None:
        self.faults.append(ExpressionFault(words, at))

    def _name(self, tree: Name) -> Bound | None:
        kind = self.names.get(tree.name)
        if kind is not None:
            return Input(name=tree.name, kind=kind)
        if self.all_known and tree.name not in self.names:
            self._fault(self._unknown(tree.name), tree.at)
        return None

    def _unknown(self, name: str) -> Text:
        whole = next((known for known in self.names if known.startswith(f"{name}-")), None)
        if whole is not None:
            return text(
                "\"{name}\" is unknown; if '{whole}' is meant, put it in quotes", name=name, whole=whole
            )
        return unknown(text("tag or series"), name, self.names)

    def _call(self, tree: Call) -> Bound | None:
        sign, arguments = tree.function, tree.arguments
        if sign in _ARITHMETIC and len(arguments) == 2:
            return self._apply(_ARITHMETIC[sign], Kind.NUMBER, tree, Kind.NUMBER)
        if sign == "-":
            return self._negative(tree)
        if sign == "not":
            return self._apply(Op.NOT, Kind.TRUTH, tree, Kind.TRUTH)
        if sign in _LOGIC:
            return self._apply(_LOGIC[sign], Kind.TRUTH, tree, Kind.TRUTH)
        if sign in _ORDER or sign in _EQUALITY:
            return self._comparison(tree)
        function = _meant(tree)
        if function is None:
            self._fault(unknown(text("function"), sign, FUNCTIONS), tree.at)
            return None
        return self._function(tree, function)

    def _apply(self, op: Op, takes: Kind, tree: Call, gives: Kind) -> Bound | None:
        inputs = [self._of_kind(argument.tree, takes) for argument in tree.arguments]
        sound = tuple(found for found in inputs if found is not None)
        if len(sound) < len(inputs):
            return None
        return _figure(op, sound) or Apply(op=op, inputs=sound, kind=gives)

    def _of_kind(self, tree: Tree, wanted: Kind | None) -> Bound | None:
        bound = self.bind(tree)
        if bound is None or wanted is None or bound.kind is wanted:
            return bound
        self.faults.append(kind_fault(bound.kind, wanted, tree.at))
        return None

    def _negative(self, tree: Call) -> Bound | None:
        return self._apply(Op.NEGATE, Kind.NUMBER, tree, Kind.NUMBER)

    def _comparison(self, tree: Call) -> Bound | None:
        op = (_ORDER | _EQUALITY)[tree.function]
        left, right = (self.bind(argument.tree) for argument in tree.arguments)
        if left is None or right is None:
            return None
        if tree.function in _EQUALITY:
            left, right = _as_truth(left, right), _as_truth(right, left)
        elif Kind.TRUTH in (left.kind, right.kind):
            self._fault(text("what is true or false has no order; write == or !="), tree.at)
            return None
        if left.kind is not right.kind:
            words = text("{left} is compared with {right}", left=_KINDS[left.kind], right=_KINDS[right.kind])
            self._fault(words, tree.at)
            return None
        return Apply(op=op, inputs=(left, right), kind=Kind.TRUTH)

    def _function(self, tree: Call, function: Function) -> Bound | None:
        placed = self._placed(tree, function)
        if placed is None:
            return None
        given = [self._argument(parameter, argument) for parameter, argument in placed]
        for (parameter, argument), figure in zip(placed, given, strict=True):
            if parameter.of_rest and argument is not None and isinstance(figure, Constant):
                self._some_of(parameter, argument, figure, 1 + len(placed) - len(function.parameters))
        sound = [found for found in given if found is not None]
        return function.build(sound) if len(sound) == len(given) else None

    def _placed(self, tree: Call, function: Function) -> list[tuple[Parameter, Argument | None]] | None:
        """Return every parameter with its argument; None, with a fault, where they do not match."""
        parameters = list(function.parameters)
        if function.rest:
            more = len(tree.arguments) - len(parameters)
            parameters += [parameters[-1]] * max(more, function.rest - 1)
        ordered = [argument for argument in tree.arguments if not argument.name]
        named = {argument.name: argument for argument in tree.arguments if argument.name}
        for argument in named.values():
            if argument.name not in [parameter.name for parameter in parameters[len(ordered) :]]:
                self._fault(_misnamed(tree, function, argument), argument.at)
                return None
        if len(ordered) > len(parameters):
            self._fault(_usage(tree.function, function), ordered[len(parameters)].at)
            return None
        found: list[tuple[Parameter, Argument | None]] = list(zip(parameters, ordered, strict=False))
        found += [(parameter, named.get(parameter.name)) for parameter in parameters[len(ordered) :]]
        if any(argument is None and parameter.default is None for parameter, argument in found):
            self._fault(_usage(tree.function, function), tree.at)
            return None
        return found

    def _some_of(self, parameter: Parameter, argument: Argument, figure: Constant, given: int) -> None:
        if figure.number.is_integer() and figure.number <= given:
            return
        words = text(
            '"{name}" is a whole number from 1 to {most}: of so many', name=parameter.name, most=given
        )
        self._fault(words, argument.tree.at)

    def _argument(self, parameter: Parameter, argument: Argument | None) -> Bound | None:
        if argument is None:
            assert parameter.default is not None, "a parameter without a default has been given"
            return Constant(number=parameter.default, kind=parameter.kind or Kind.NUMBER)
        bound = self._of_kind(argument.tree, parameter.kind)
        if bound is None or not parameter.constant:
            return bound
        at, name = argument.tree.at, parameter.name
        if not isinstance(bound, Constant):
            self._fault(text('"{name}" must be a plain figure; nothing can vary here', name=name), at)
            return None
        if parameter.least is not None and bound.number < parameter.least:
            words = text('"{name}" is at least {least}', name=name, least=f"{parameter.least:g}")
            self._fault(words, at)
            return None
        return bound


def _figure(op: Op, inputs: tuple[Bound, ...]) -> Constant | None:
    """Return the result where an operation is on plain figures only; None where it is not, or has none."""
    figures = [bound.number for bound in inputs if isinstance(bound, Constant)]
    if op not in _ON_FIGURES or len(figures) < len(inputs) or (op is Op.DIVIDE and figures[1] == 0):
        return None
    return Constant(number=_ON_FIGURES[op](*figures), kind=Kind.NUMBER)


def _meant(tree: Call) -> Function | None:
    over_time = len(tree.arguments) == 2 and isinstance(tree.arguments[1].tree, Span)
    if tree.function in OF_SEVERAL and len(tree.arguments) >= 2 and not over_time:
        return OF_SEVERAL[tree.function]
    return FUNCTIONS.get(tree.function)


def _as_truth(found: Bound, other: Bound) -> Bound:
    """Return 0 and 1 as false and true where they are compared with what is true or false."""
    is_digit = isinstance(found, Constant) and found.kind is Kind.NUMBER and found.number in (0.0, 1.0)
    if isinstance(found, Constant) and is_digit and other.kind is Kind.TRUTH:
        return Constant(number=found.number, kind=Kind.TRUTH)
    return found


def _misnamed(tree: Call, function: Function, argument: Argument) -> Text:
    names = [parameter.name for parameter in function.parameters]
    if argument.name in names:
        return text('"{name}" is given twice to {function}', name=argument.name, function=tree.function)
    return unknown(text("argument"), argument.name, names)


def _usage(name: str, function: Function) -> Text:
    shown = [
        parameter.name if parameter.default is None else f"[{parameter.name}]"
        for parameter in function.parameters
    ]
    if function.rest:
        shown.append("...")
    return text("write {usage}", usage=f"{name}({', '.join(shown)})")
