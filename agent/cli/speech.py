"""The command line's voice: one language a process, chosen by --lang or the environment."""

from __future__ import annotations

import sys
from functools import cache
from itertools import pairwise
from typing import NoReturn

import click

from config.text import Language, Text, language_of


@cache
def language() -> Language:
    """Return the language of this process; read early, because help texts are made when commands are."""
    words = [part for word in sys.argv[1:] for part in word.split("=", 1)]
    return language_of(next((value for key, value in pairwise(words) if key == "--lang"), None))


def shown(words: Text) -> str:
    """Return a text in the language of this process."""
    return words.show(language())


def say(words: Text) -> None:
    """Print a text for a person."""
    click.echo(shown(words))


def fail(words: Text, code: int) -> NoReturn:
    """Say on stderr what is wrong and end with `code`."""
    click.echo(shown(words), err=True)
    sys.exit(code)
