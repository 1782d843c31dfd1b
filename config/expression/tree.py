"""What an expression says, as it is written; `at` is the place of a part in the text, from 0."""

from __future__ import annotations

from dataclasses import dataclass

from config.text import Text


class ExpressionFault(Exception):  # noqa: N818 - the fault's own word
    """What is wrong with an expression, and where in its text."""

    def __init__(self, words: Text, at: int) -> None:
        self.words = words
        self.at = at
        super().__init__(str(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number; `8%` is 0.08."""

    number: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """`true` or `false`."""

    truth: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A duration."""

    span_ns: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """The name of a tag or of a series."""

    name: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a call; `name` is empty where it is told by its position."""

    name: str
    tree: Tree
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function or an operator, by its spelling, with its arguments."""

    function: str
    arguments: tuple[Argument, ...]
    at: int


Tree = Number | Truth | Span | Name | Call
