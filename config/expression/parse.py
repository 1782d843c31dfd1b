"""From text to tree, by recursive descent; what binds weakest comes first.

either     := both ("or" both)*
both       := negation ("and" negation)*
negation   := "not" negation | comparison
comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
sum        := product (("+" | "-") product)*
product    := signed (("*" | "/") signed)*
signed     := "-" signed | primary
primary    := number | number "%" | duration | "true" | "false" | name | call | "(" either ")"
call       := name "(" (argument ("," argument)*)? ")"
argument   := (name "=")? either
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

from config.expression.tokens import Token, TokenKind, foreign_sign, tokens
from config.expression.tree import Argument, Call, ExpressionFault, Name, Number, Span, Tree, Truth
from config.faults import WrongValue
from config.text import text
from config.units import parse_duration_ns

_COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")
_JOINING: Final = ("and", "or", "not")
_TRUTHS: Final = ("true", "false")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_DEEPEST: Final = 40
_LONGEST: Final = 200


def spelled(name: str) -> str:
    """Return a name as an expression must spell it: in quotes where it could be taken for something else."""
    is_plain = _PLAIN_NAME.fullmatch(name) and name not in (*_JOINING, *_TRUTHS)
    return name if is_plain else f"'{name}'"


def parse(content: str) -> Tree:
    """Return the tree of an expression. Raises ExpressionFault."""
    return _Parser(content).whole()


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, content: str) -> None:
        self._tokens = list(tokens(content))
        if len(self._tokens) > _LONGEST:
            raise ExpressionFault(
                text("an expression has at most {most} words; divide it into series", most=_LONGEST),
                self._tokens[_LONGEST].at,
            )
        self._place = 0
        self._depth = 0

    def whole(self) -> Tree:
        """Read everything there is."""
        tree = self._either()
        if self._now.kind is not TokenKind.END:
            raise foreign_sign(self._now) or self._fault()
        return tree

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    @property
    def _next(self) -> Token:
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._now
        self._place += 1
        return token

    def _is(self, spellings: Collection[str]) -> bool:
        return self._now.spelling in spellings and not self._now.quoted

    def _expect(self, sign: str) -> None:
        if not self._is((sign,)):
            found = self._now.spelling
            words = text('"{sign}" is missing before "{found}"', sign=sign, found=found)
            if not found:
                words = text('"{sign}" is missing at the end', sign=sign)
            raise ExpressionFault(words, self._now.at)
        self._take()

    def _fault(self) -> ExpressionFault:
        if self._now.kind is TokenKind.END:
            words = text("the expression ends here; a value is missing")
        else:
            words = text('"{found}" does not fit here', found=self._now.spelling)
        return ExpressionFault(words, self._now.at)

    def _chain(self, signs: Collection[str], operand: Callable[[], Tree]) -> Tree:
        tree = operand()
        while self._is(signs):
            tree = _operation(self._take(), tree, operand())
        return tree

    def _either(self) -> Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionFault(text("this is nested too deeply; divide it into series"), self._now.at)
        tree = self._chain(("or",), self._both)
        self._depth -= 1
        return tree

    def _both(self) -> Tree:
        return self._chain(("and",), self._negation)

    def _negation(self) -> Tree:
        signs = self._run_of("not")
        tree = self._comparison()
        for sign in reversed(signs):
            tree = _operation(sign, tree)
        return tree

    def _comparison(self) -> Tree:
        tree = self._sum()
        if not self._is(_COMPARISONS):
            return tree
        tree = _operation(self._take(), tree, self._sum())
        if self._is(_COMPARISONS):
            words = text('one comparison follows another; join the two with "and"')
            raise ExpressionFault(words, self._now.at)
        return tree

    def _sum(self) -> Tree:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Tree:
        return self._chain(("*", "/"), self._signed)

    def _signed(self) -> Tree:
        signs = self._run_of("-")
        tree = self._primary()
        for sign in reversed(signs):
            tree = _operation(sign, tree)
        return tree

    def _run_of(self, sign: str) -> list[Token]:
        found = []
        while self._is((sign,)):
            found.append(self._take())
        return found

    def _primary(self) -> Tree:
        token = self._now
        if token.kind is TokenKind.NUMBER:
            return _number(self._take())
        if token.kind is TokenKind.SPAN:
            return _span(self._take())
        if self._is(("(",)):
            self._take()
            tree = self._either()
            self._expect(")")
            return tree
        if token.kind is not TokenKind.NAME or self._is(_JOINING):
            raise foreign_sign(token) or self._fault()
        self._take()
        if token.quoted:
            return Name(name=token.spelling, at=token.at)
        if self._is(("(",)):
            return self._call(token)
        if token.spelling in _TRUTHS:
            return Truth(truth=token.spelling == "true", at=token.at)
        return Name(name=token.spelling, at=token.at)

    def _call(self, function: Token) -> Tree:
        self._take()
        arguments: list[Argument] = []
        while not self._is((")",)):
            if arguments:
                self._expect(",")
            arguments.append(self._argument())
        self._take()
        return Call(function=function.spelling, arguments=tuple(arguments), at=function.at)

    def _argument(self) -> Argument:
        at, name = self._now.at, ""
        if self._now.kind is TokenKind.NAME and self._next.spelling == "=":
            name = self._take().spelling
            self._take()
        return Argument(name=name, tree=self._either(), at=at)


def _operation(sign: Token, *operands: Tree) -> Call:
    arguments = tuple(Argument(name="", tree=operand, at=operand.at) for operand in operands)
    return Call(function=sign.spelling, arguments=arguments, at=sign.at)


def _span(token: Token) -> Span:
    try:
        return Span(span_ns=parse_duration_ns(token.spelling), at=token.at)
    except WrongValue as error:
        raise ExpressionFault(error.words, token.at) from error


def _number(token: Token) -> Number:
    figure = float(token.spelling.rstrip("% "))
    if figure == float("inf"):
        raise ExpressionFault(text("{found} is too large a number", found=token.spelling), token.at)
    return Number(number=figure / 100 if token.spelling.endswith("%") else figure, at=token.at)
