"""click's own sentences in the person's language.

click asks gettext for them, under the name `_` in each of its modules. gettext would want a compiled
catalogue and a language in the environment; ours are the same catalogues as everywhere.
"""

from __future__ import annotations

from typing import Final

import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.types

from agent.cli.speech import language
from config.text import text

_MODULES: Final = (
    click.core,
    click.decorators,
    click.exceptions,
    click.formatting,
    click.parser,
    click.types,
)
_SENTENCES: Final = (
    text("Usage:"),
    text("Options"),
    text("Commands"),
    text("Positional arguments"),
    text("Show this message and exit."),
    text("Show the version and exit."),
    text("default: {default}"),
    text("Error: {message}"),
    text("Aborted!"),
    text("Try '{command} {option}' for help."),
    text("Invalid value: {message}"),
    text("Invalid value for {param_hint}: {message}"),
    text("Missing command."),
    text("Missing argument"),
    text("Missing option"),
    text("Missing parameter"),
    text("Choose from:\n\t{choices}"),
    text("No such option {name!r}."),
    text("No such command {name!r}."),
    text("Did you mean {possibility}?"),
    text("(Did you mean one of: {possibilities}?)"),
    text("Got unexpected extra argument ({args})"),
    text("Got unexpected extra arguments ({args})"),
    text("Option {name!r} requires an argument."),
    text("Option {name!r} requires {nargs} arguments."),
    text("Option {name!r} does not take a value."),
    text("Argument {name!r} takes {nargs} values."),
    text("{value!r} is not a valid {number_type}."),
    text("{value} is not in the range {range}."),
    text("{value!r} is not {choice}."),
    text("{value!r} is not one of {choices}."),
    text("Could not open file {filename!r}: {message}"),
)


def translate_click() -> None:
    """Have click speak the language of this process, before any of its options is made."""
    known = {said.template: said.template_in(language()) for said in _SENTENCES}

    def one(sentence: str) -> str:
        return known.get(sentence, sentence)

    def many(singular: str, plural: str, count: int) -> str:
        return one(singular if count == 1 else plural)

    for module in _MODULES:
        names = vars(module)
        names.update({"_": one} | ({"ngettext": many} if "ngettext" in names else {}))
